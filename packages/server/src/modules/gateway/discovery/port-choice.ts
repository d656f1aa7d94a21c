/** Ports of protocols that are not HTTP: they are not even probed. */
const neverHttp = new Set([21, 22, 23, 25, 53, 110, 143, 389, 636, 1883, 3306, 5432, 5672, 6379, 11_211, 27_017]);

const preferred = [80, 8080, 3000];

const rank = (port: number): number => {
  const index = preferred.indexOf(port);
  return index < 0 ? preferred.length : index;
};

/** Each port once, those that pages live on first, then upwards. */
export const orderPorts = (ports: Iterable<number>): number[] =>
  [...new Set(ports)].sort((a, b) => rank(a) - rank(b) || a - b);

export interface PortWishes {
  /** A label: this one, whatever answers. */
  primary: number | null;
  /** A label: all of them, whatever answers. */
  all: boolean;
  /** Another product says that it serves this one. */
  hint: number | null;
}

export interface PortPlan {
  ports: number[];
  /** False when labels chose: nothing is asked of the service. */
  probe: boolean;
}

/** Which TCP ports of a service may be pages, the most likely first. */
export const planPorts = (tcpPorts: Iterable<number>, wishes: PortWishes): PortPlan => {
  const known = [...tcpPorts];
  if (wishes.primary !== null) {
    const others = wishes.all ? orderPorts(known).filter((port) => port !== wishes.primary) : [];
    return { ports: [wishes.primary, ...others], probe: false };
  }
  if (wishes.all) return { ports: orderPorts(known), probe: false };
  const likely = orderPorts(known.filter((port) => !neverHttp.has(port)));
  const { hint } = wishes;
  return {
    ports: hint !== null && likely.includes(hint) ? [hint, ...likely.filter((port) => port !== hint)] : likely,
    probe: true,
  };
};

export const schemeOf = (port: number, ...wanted: readonly ('http' | 'https' | null)[]): 'http' | 'https' =>
  wanted.find((scheme) => scheme !== null) ?? (port === 443 || port === 8443 ? 'https' : 'http');
