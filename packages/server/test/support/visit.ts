/** A browser without a screen: `node visit.ts URL` follows redirects and submits the form of each page that has one. */
const jar = new Map<string, string>();

const open = async (url: string, init: RequestInit = {}): Promise<Response> => {
  const headers = { ...init.headers, cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
  const response = await fetch(url, { ...init, headers, redirect: 'manual' });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
    jar.set(name!, value!);
  }
  const next = response.headers.get('location');
  return next === null ? response : open(new URL(next, url).href);
};

/** Hidden fields as they are; nothing is typed. */
const fieldsOf = (form: string): URLSearchParams =>
  new URLSearchParams(
    [...form.matchAll(/<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"/g)].map(([, name, value]) => [name!, value!]),
  );

/** Resolves to the text of the page where there is nothing left to submit. */
export const visit = async (url: string): Promise<string> => {
  let page = await (await open(url)).text();
  for (let forms = 0; forms < 5; forms++) {
    const form = /<form[^>]*action="([^"]+)"[\s\S]*?<\/form>/.exec(page);
    if (form === null) break;
    page = await (await open(new URL(form[1]!, url).href, { method: 'POST', body: fieldsOf(form[0]) })).text();
  }
  return page;
};

if (import.meta.main) process.stdout.write(await visit(process.argv[2]!));
