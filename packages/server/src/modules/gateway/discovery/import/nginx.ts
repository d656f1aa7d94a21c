import { type Imported, type ImportedSite, ImportProblem, type Skipped, site, targetOf } from './imported.ts';

interface Directive {
  name: string;
  args: string[];
  line: number;
  block: Directive[] | null;
}

type Token = { kind: 'word'; text: string; line: number } | { kind: '{' | '}' | ';'; line: number };

const mostDirectives = 20_000;
const deepest = 20;
const longestWord = 2000;

/** Words, quoted words, braces and semicolons; a comment runs to the end of its line. */
const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') line += 1;
    if (/\s/.test(char)) at += 1;
    else if (char === '#') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end;
    } else if (char === '{' || char === '}' || char === ';') {
      tokens.push({ kind: char, line });
      at += 1;
    } else if (char === '"' || char === "'") {
      const begun = line;
      let word = '';
      for (at += 1; text[at] !== char; at++) {
        if (at >= text.length) throw new ImportProblem(`Line ${begun}: a quote is not closed.`);
        if (text[at] === '\\' && at + 1 < text.length) at += 1;
        if (text[at] === '\n') line += 1;
        word += text[at];
      }
      at += 1;
      tokens.push({ kind: 'word', text: word, line: begun });
    } else {
      let word = '';
      // `${name}` is part of a word, not the beginning of a block.
      while (at < text.length && !/[\s;{}]/.test(text[at]!)) {
        if (text.startsWith('${', at)) {
          const end = text.indexOf('}', at);
          if (end === -1) throw new ImportProblem(`Line ${line}: a variable is not closed.`);
          word += `$${text.slice(at + 2, end)}`;
          at = end + 1;
        } else {
          if (text[at] === '\\' && at + 1 < text.length) word += text[at++];
          word += text[at++];
        }
      }
      tokens.push({ kind: 'word', text: word, line });
    }
  }
  const long = tokens.find((token) => token.kind === 'word' && token.text.length > longestWord);
  if (long !== undefined)
    throw new ImportProblem(`Line ${long.line}: a word is longer than ${longestWord} characters.`);
  return tokens;
};

/** The tree of directives, as nginx reads it. */
export const parseNginx = (text: string): Directive[] => {
  const tokens = tokensOf(text);
  let at = 0;
  let count = 0;
  const read = (depth: number): Directive[] => {
    if (depth > deepest) throw new ImportProblem('Blocks are nested too deeply.');
    const found: Directive[] = [];
    for (;;) {
      const first = tokens[at];
      if (first === undefined) {
        if (depth > 0) throw new ImportProblem('A block is not closed: } is missing at the end.');
        return found;
      }
      if (first.kind === '}') {
        if (depth === 0) throw new ImportProblem(`Line ${first.line}: there is a } too many.`);
        at += 1;
        return found;
      }
      if (first.kind !== 'word') throw new ImportProblem(`Line ${first.line}: ${first.kind} stands alone.`);
      count += 1;
      if (count > mostDirectives) throw new ImportProblem('There are too many directives.');
      const words: string[] = [];
      let next = tokens[at];
      while (next?.kind === 'word') {
        words.push(next.text);
        at += 1;
        next = tokens[at];
      }
      if (next === undefined) throw new ImportProblem(`Line ${first.line}: ; is missing after ${first.text}.`);
      if (next.kind === '}') throw new ImportProblem(`Line ${next.line}: ; is missing before }.`);
      at += 1;
      const [name, ...args] = words;
      const block = next.kind === '{' ? read(depth + 1) : null;
      found.push({ name: name!, args, line: first.line, block });
    }
  };
  return read(0);
};

const all = (block: readonly Directive[], name: string): Directive[] => block.filter((one) => one.name === name);
const one = (block: readonly Directive[], name: string): Directive | undefined => all(block, name).at(-1);

/** Directives that change what is served and have no counterpart, or one that a person has to choose. */
const noted: Readonly<Record<string, string>> = {
  auth_basic: 'people sign in here; add the filter basic_auth when another password is wanted',
  auth_request: 'this server asks for the sign-in itself',
  allow: 'add the filter ip_allow to the route',
  deny: 'add the filter ip_allow to the route',
  rewrite: 'paths are not rewritten',
  sub_filter: 'pages are rewritten by the route itself, when that is on',
  limit_req: 'add the filter rate to the route',
  include: 'the file is not here; import it by itself',
  if: 'conditions are not read',
};

/** Variables that were given a plain value with `set`. */
const filled = (text: string, scopes: readonly (readonly Directive[])[]): string => {
  const values = new Map<string, string>();
  for (const scope of scopes)
    for (const { args } of all(scope, 'set')) if (args.length === 2) values.set(args[0]!, args[1]!);
  let result = text;
  // A value may name others, and may not grow without end.
  for (let round = 0; round < 5 && result.length <= longestWord; round++)
    result = result.replace(/\$\w+/g, (name) => values.get(name) ?? name);
  return result;
};

interface Upstream {
  servers: { address: string; weight: number }[];
}

const upstreamsOf = (blocks: readonly Directive[]): Map<string, Upstream> =>
  new Map(
    all(blocks, 'upstream').map(({ args, block }) => [
      args[0] ?? '',
      {
        servers: all(block ?? [], 'server')
          .filter(
            ({ args: words }) => !words.includes('down') && !words.includes('backup') && !words[0]?.startsWith('unix:'),
          )
          .map(({ args: words }) => ({
            address: words[0] ?? '',
            weight: Math.min(100, Number(words.find((word) => word.startsWith('weight='))?.slice(7) ?? 1) || 1),
          })),
      },
    ]),
  );

const targetsOf = (passed: string, upstreams: ReadonlyMap<string, Upstream>): ImportedSite['targets'] | string => {
  const match = /^(https?):\/\/([^/]+)/.exec(passed);
  if (match === null) return 'it is not passed on by http or https';
  const [, scheme, authority] = match;
  if (authority!.includes('$')) return `the address has a variable, ${authority}`;
  const upstream = upstreams.get(authority!);
  const addresses = upstream?.servers ?? [{ address: authority!, weight: 1 }];
  const targets = addresses.flatMap(({ address, weight }) => {
    const url = targetOf(`${scheme}://${address}`);
    return url === null ? [] : [{ url, weight }];
  });
  return targets.length === 0 ? 'it has no address that can be reached' : targets;
};

const hostForm = /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

const readLocation = (
  location: Pick<Directive, 'args' | 'line'> & { block: Directive[] },
  server: readonly Directive[],
  hosts: string[],
  upstreams: ReadonlyMap<string, Upstream>,
  skipped: Skipped[],
): ImportedSite | null => {
  const { args, block, line } = location;
  const path = args.at(-1) ?? '/';
  const what = `location ${args.join(' ')}`.trim();
  const skip = (reason: string): null => {
    skipped.push({ line, what, reason });
    return null;
  };
  const pass = one(block, 'proxy_pass');
  if (pass === undefined) {
    const other = ['fastcgi_pass', 'uwsgi_pass', 'grpc_pass', 'scgi_pass'].find((name) => one(block, name));
    if (other !== undefined) return skip(`${other} is another protocol than HTTP`);
    return skip(one(block, 'return') ? 'it answers by itself' : 'it serves files, which this server does not');
  }
  if (/^[~^]/.test(args[0] ?? '') && args[0] !== '^~') return skip('its path is a pattern');
  if (path.startsWith('@')) return skip('it is reached from other places alone');
  const passed = filled(pass.args[0] ?? '', [server, block]);
  const targets = targetsOf(passed, upstreams);
  if (typeof targets === 'string') return skip(targets);
  for (const directive of block)
    if (noted[directive.name] !== undefined)
      skipped.push({
        line: directive.line,
        what: `${directive.name} ${directive.args.join(' ')}`.trim(),
        reason: noted[directive.name]!,
      });
  // With a path of its own in proxy_pass nginx puts that in the place of the one that matched.
  const own = /^https?:\/\/[^/]+(\/.*)$/.exec(passed)?.[1];
  if (own !== undefined && own !== '/') return skip(`it is passed on to the path ${own}, and targets have none`);
  const upgrades = all(block, 'proxy_set_header').some(({ args: words }) => /^upgrade$/i.test(words[0] ?? ''));
  const [first] = hosts;
  const name = first === undefined ? path.replace(/^\/+|\/+$/g, '') : path === '/' ? first : `${first}${path}`;
  return site({
    name: name || 'site',
    hosts,
    path,
    strip: own === '/' && path !== '/',
    targets,
    websockets: upgrades || null,
    line,
  });
};

/** Servers of an nginx configuration that pass requests on. */
export const importNginx = (text: string): Imported => {
  const top = parseNginx(text);
  const blocks = [...top, ...all(top, 'http').flatMap(({ block }) => block ?? [])];
  const upstreams = upstreamsOf(blocks);
  const skipped: Skipped[] = [];
  const sites: ImportedSite[] = [];
  for (const directive of all(blocks, 'include'))
    skipped.push({ line: directive.line, what: `include ${directive.args.join(' ')}`, reason: noted['include']! });
  for (const stream of all(top, 'stream'))
    skipped.push({ line: stream.line, what: 'stream', reason: 'raw connections are not passed on' });
  for (const server of all(blocks, 'server')) {
    const block = server.block ?? [];
    const names = all(block, 'server_name').flatMap(({ args }) => args);
    const hosts = names
      .filter((name) => hostForm.test(name) && name !== '_' && name !== 'localhost')
      .map((name) => name.toLowerCase());
    for (const name of names.filter(
      (one_) => one_ !== '_' && one_ !== '' && one_ !== 'localhost' && !hostForm.test(one_),
    ))
      skipped.push({ line: server.line, what: `server_name ${name}`, reason: 'it is a pattern, or no host name' });
    const locations = all(block, 'location');
    for (const directive of block)
      if (noted[directive.name] !== undefined)
        skipped.push({
          line: directive.line,
          what: `${directive.name} ${directive.args.join(' ')}`.trim(),
          reason: noted[directive.name]!,
        });
    if (locations.length === 0)
      skipped.push({
        line: server.line,
        what: `server ${names.join(' ')}`.trim(),
        reason: one(block, 'return') ? 'it only sends elsewhere' : 'it has no location that passes requests on',
      });
    for (const location of locations) {
      const found = readLocation({ ...location, block: location.block ?? [] }, block, hosts, upstreams, skipped);
      if (found !== null) sites.push(found);
    }
  }
  return { sites, skipped };
};
