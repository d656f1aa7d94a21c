// The reference page: reads /api/openapi.json and draws it. All text goes in as text, never as markup.
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
};

const setUpTheme = () => {
  const kept = localStorage.getItem('atrium-docs-theme');
  if (kept === 'light' || kept === 'dark') root.dataset.theme = kept;
  byId('theme').addEventListener('click', () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem('atrium-docs-theme', root.dataset.theme);
  });
};

const typeOf = (schema, contract) => {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map((option) => typeOf(option, contract)).join(' | ');
  if (schema.type === 'array') return `${typeOf(schema.items, contract) || 'any'}[]`;
  const name = [schema.type ?? 'any'].flat().join(' | ');
  return schema.format ? `${name} (${schema.format})` : name;
};

const boundsOf = (schema) => {
  const said = [];
  const small = schema.minimum ?? schema.minLength ?? schema.minItems;
  const great = schema.maximum ?? schema.maxLength ?? schema.maxItems;
  const sensible = (n) => n !== undefined && Math.abs(n) < Number.MAX_SAFE_INTEGER;
  if (sensible(small) && sensible(great)) said.push(`${small} to ${great}`);
  else if (sensible(great)) said.push(`at most ${great}`);
  else if (sensible(small)) said.push(`at least ${small}`);
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(', ');
};

const resolve = (schema, contract) =>
  schema?.$ref ? contract.components.schemas[schema.$ref.split('/').pop()] : schema;

const fieldRow = (name, schema, required, place, contract) =>
  element(
    'tr',
    {},
    element(
      'td',
      {},
      element('code', {}, name),
      required ? element('span', { class: 'must', title: 'required' }, ' *') : null,
    ),
    element('td', {}, element('code', {}, typeOf(schema, contract))),
    element('td', {}, place),
    element('td', {}, [schema.description, boundsOf(schema)].filter(Boolean).join('. ')),
  );

const fieldTable = (operation, contract) => {
  const rows = (operation.parameters ?? []).map((p) =>
    fieldRow(p.name, { ...p.schema, description: p.description }, p.required, p.in, contract),
  );
  const body = resolve(operation.requestBody?.content?.['application/json']?.schema, contract);
  for (const [name, schema] of Object.entries(body?.properties ?? {})) {
    rows.push(fieldRow(name, schema, (body.required ?? []).includes(name), 'body', contract));
  }
  if (rows.length === 0) return null;
  const head = element(
    'thead',
    {},
    element('tr', {}, ...['Field', 'Type', 'In', 'Meaning'].map((t) => element('th', { scope: 'col' }, t))),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Fields of ${operation.operationId}` },
    element('table', {}, head, element('tbody', {}, ...rows)),
  );
};

const curlOf = ({ method, path, operation }) => {
  const parts = ['curl'];
  if (method !== 'get') parts.push(`-X ${method.toUpperCase()}`);
  if (operation.security?.length) parts.push('-H "Authorization: Bearer $ATRIUM_TOKEN"');
  if (operation.requestBody?.content?.['application/json']) parts.push(`-H "Content-Type: application/json" -d '{…}'`);
  return `${parts.join(' ')} ${location.origin}${path}`;
};

const facts = (operation) => {
  const extra = operation['x-atrium'] ?? {};
  const fact = (label, value) => (value ? element('li', {}, `${label} `, element('code', {}, value)) : null);
  return element(
    'ul',
    { class: 'facts' },
    operation.security?.length ? null : element('li', {}, 'public'),
    fact('scope', extra.scope),
    fact('permission', extra.permission),
    fact('MCP tool', extra.mcp_tool),
    fact('only for', extra.principals?.join(', ')),
  );
};

const answers = (operation, contract) => {
  const lines = Object.entries(operation.responses).map(([status, answer]) => {
    const problem = answer.content?.['application/problem+json'];
    const schema = answer.content?.['application/json']?.schema;
    const codes = Object.keys(problem?.examples ?? {}).flatMap((code, i) => [
      i ? ', ' : '',
      element('a', { href: `#error-${code}` }, element('code', {}, code)),
    ]);
    return element(
      'tr',
      {},
      element('td', {}, status),
      element(
        'td',
        {},
        ...(problem ? codes : [schema ? element('code', {}, typeOf(schema, contract)) : answer.description]),
      ),
    );
  });
  const schema = Object.values(operation.responses)[0]?.content?.['application/json']?.schema;
  return [
    element('h4', {}, 'Answers'),
    element('table', {}, element('tbody', {}, ...lines)),
    schema
      ? element(
          'details',
          {},
          element('summary', {}, 'Schema of the answer'),
          element('pre', { tabindex: '0' }, JSON.stringify(resolve(schema, contract), null, 2)),
        )
      : null,
  ];
};

const article = (entry, contract) => {
  const { method, path, operation } = entry;
  const id = `try-${operation.operationId}`;
  const fields = fieldTable(operation, contract);
  return element(
    'article',
    { id: operation.operationId },
    element('h3', {}, operation.summary ?? operation.operationId),
    element(
      'p',
      { class: 'route' },
      element('span', { class: `verb ${method}` }, method.toUpperCase()),
      element('code', {}, path),
    ),
    operation.description ? element('p', { class: 'prose' }, operation.description) : null,
    facts(operation),
    element(
      'div',
      { class: 'line' },
      element('code', { id, tabindex: '0' }, curlOf(entry)),
      element(
        'button',
        { class: 'copy', type: 'button', 'data-copy': id, 'aria-label': `Copy the call of ${operation.operationId}` },
        'Copy',
      ),
    ),
    fields ? element('h4', {}, 'Input') : null,
    fields,
    ...answers(operation, contract),
  );
};

const entriesOf = (contract) =>
  Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method,
      path,
      operation,
      tag: operation.tags[0],
      text: [
        operation.operationId,
        path,
        method,
        operation.summary,
        operation.description,
        operation['x-atrium']?.mcp_tool,
      ]
        .join(' ')
        .toLowerCase(),
    })),
  );

const draw = (entries, contract) => {
  const nav = byId('nav');
  const operations = byId('operations');
  for (const [tag, of] of Map.groupBy(
    entries.sort((a, b) => a.operation.operationId.localeCompare(b.operation.operationId)),
    (e) => e.tag,
  )) {
    const heading = element('h2', {}, tag);
    const group = element('h2', { class: 'group' }, tag);
    nav.append(heading);
    operations.append(group);
    for (const entry of of) {
      entry.link = element(
        'a',
        { href: `#${entry.operation.operationId}` },
        element(
          'span',
          { class: `verb ${entry.method}` },
          entry.method === 'delete' ? 'DEL' : entry.method.toUpperCase(),
        ),
        element('span', {}, entry.operation.operationId.slice(tag.length + 1) || tag),
      );
      entry.article = article(entry, contract);
      nav.append(entry.link);
      operations.append(entry.article);
    }
    for (const entry of of) entry.headings = [heading, group];
  }
};

const filter = (entries, query) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = new Set();
  let count = 0;
  for (const entry of entries) {
    const fits = words.every((word) => entry.text.includes(word));
    entry.link.hidden = entry.article.hidden = !fits;
    if (fits) {
      count++;
      for (const heading of entry.headings) shown.add(heading);
    }
  }
  for (const entry of entries) for (const heading of entry.headings) heading.hidden = !shown.has(heading);
  byId('count').textContent =
    count === 0
      ? 'No operation matches. Try a noun, a path or a tool name.'
      : `${count} of ${entries.length} operations`;
};

const drawErrors = (contract) => {
  const rows = contract['x-problems']
    .toSorted((a, b) => a.status - b.status)
    .map((problem) =>
      element(
        'tr',
        { id: `error-${problem.code}` },
        element('td', {}, element('code', {}, problem.code)),
        element('td', {}, String(problem.status)),
        element('td', {}, problem.detail),
      ),
    );
  byId('errors').append(
    element('h2', { class: 'group' }, 'Errors'),
    element(
      'p',
      {},
      'Every error is an RFC 9457 problem document with code, detail and request_id. These are its codes.',
    ),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Errors' },
      element('table', {}, element('tbody', {}, ...rows)),
    ),
  );
};

const setUpCopy = () =>
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(byId(button.dataset.copy).textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });

const start = async () => {
  setUpTheme();
  setUpCopy();
  const answer = await fetch('/api/openapi.json');
  if (!answer.ok) throw new Error(`The contract answered ${answer.status}`);
  const contract = await answer.json();
  const entries = entriesOf(contract);
  byId('about').textContent = `${contract.info.description} Version ${contract.info.version}.`;
  byId('try').textContent = `curl ${location.origin}/health`;
  draw(entries, contract);
  drawErrors(contract);
  filter(entries, '');
  const search = byId('search');
  search.addEventListener('input', () => filter(entries, search.value));
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === 'Escape' && document.activeElement === search) {
      search.value = '';
      filter(entries, '');
    }
  });
  if (location.hash) byId(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
};

start().catch((error) => {
  byId('about').textContent = `The contract could not be read: ${error.message}`;
});
