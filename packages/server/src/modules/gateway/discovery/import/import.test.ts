import { describe, expect, it } from 'vitest';
import { recipeOfImage, recipes } from '../../recipes/recipes.ts';
import { importCompose } from './compose.ts';
import { importNginx, parseNginx } from './nginx.ts';
import { importTraefik, readRule } from './traefik.ts';

const short = ({ sites }: ReturnType<typeof importNginx>) =>
  sites.map(({ hosts, path, strip, targets }) => [
    hosts.join(' '),
    path,
    strip,
    targets.map(({ url }) => url).join(' '),
  ]);
const reasons = ({ skipped }: ReturnType<typeof importNginx>) =>
  skipped.map(({ what, reason }) => `${what}: ${reason}`);

describe('nginx', () => {
  it('reads servers, upstreams, variables and quotes, and tells what it leaves out with its line', () => {
    const found = importNginx(`
      # a comment { with } braces;
      user www-data;
      http {
        include mime.types;
        upstream wiki { server 10.0.0.5:3000 weight=3; server 10.0.0.6:3000; server 10.0.0.7 down; }
        server { listen 80; server_name wiki.example.org; return 301 https://$host$request_uri; }
        server {
          listen 443 ssl;
          server_name wiki.example.org "www.wiki.example.org" ~^old;
          location / { proxy_pass http://wiki; proxy_set_header Upgrade $http_upgrade; }
          location /files/ { root /srv/files; }
          location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }
        }
        server {
          server_name _;
          set $app 192.168.1.10;
          location /grafana/ { proxy_pass http://\${app}:3000/; auth_basic "closed; area"; }
          location /api/ { proxy_pass http://$unknown:80; }
          location /v2/ { proxy_pass http://10.0.0.9/other/; }
        }
      }`);
    expect(short(found)).toEqual([
      ['wiki.example.org www.wiki.example.org', '/', false, 'http://10.0.0.5:3000 http://10.0.0.6:3000'],
      ['', '/grafana/', true, 'http://192.168.1.10:3000'],
    ]);
    expect(found.sites[0]!.targets.map(({ weight }) => weight)).toEqual([3, 1]);
    expect(found.sites[0]!.websockets).toBe(true);
    expect(reasons(found)).toEqual([
      'include mime.types: the file is not here; import it by itself',
      'server wiki.example.org: it only sends elsewhere',
      'server_name ~^old: it is a pattern, or no host name',
      'location /files/: it serves files, which this server does not',
      'location ~ \\.php$: fastcgi_pass is another protocol than HTTP',
      'auth_basic closed; area: people sign in here; add the filter basic_auth when another password is wanted',
      'location /api/: the address has a variable, $unknown:80',
      'location /v2/: it is passed on to the path /other/, and targets have none',
    ]);
    expect(found.skipped.find(({ what }) => what === 'location /files/')!.line).toBe(12);
  });

  it('says where a text cannot be read', () => {
    for (const [text, message] of [
      ['server { listen 80;', 'A block is not closed'],
      ['server { } }', 'Line 1: there is a } too many'],
      ['a "b', 'Line 1: a quote is not closed'],
      ['\nserver { listen 80 }', 'Line 2: ; is missing before }'],
      [`${'a { '.repeat(30)}`, 'nested too deeply'],
    ] as const)
      expect(() => parseNginx(text), text).toThrow(message);
  });
});

describe('Traefik', () => {
  it('reads rules of hosts and prefixes, and refuses others by name', () => {
    expect(readRule('Host(`a.lan`)')).toEqual([{ hosts: ['a.lan'], path: '/' }]);
    expect(readRule('Host(`a.lan`) || Host(`B.lan`)')).toEqual([{ hosts: ['a.lan', 'b.lan'], path: '/' }]);
    expect(readRule('Host(`a.lan`, `b.lan`) && PathPrefix(`/x`)')).toEqual([{ hosts: ['a.lan', 'b.lan'], path: '/x' }]);
    expect(readRule('(Host(`a.lan`) || Host(`b.lan`)) && PathPrefix(`/x`)')).toEqual([
      { hosts: ['a.lan', 'b.lan'], path: '/x' },
    ]);
    expect(readRule('HostRegexp(`.+`)')).toContain('HostRegexp');
    expect(readRule('Host(`a`) && !Path(`/x`)')).toContain('is more than');
  });

  it('reads a dynamic configuration and labels', () => {
    const found = importTraefik(`
http:
  routers:
    wiki: { rule: "Host(\`wiki.lan\`)", service: wiki@file, middlewares: [login, cut] }
    lost: { rule: "Host(\`lost.lan\`)", service: nowhere }
  services:
    wiki: { loadBalancer: { servers: [{ url: "http://10.0.0.5:3000/" }] } }
  middlewares:
    login: { basicAuth: { users: [] } }
    cut: { stripPrefix: { prefixes: [/x] } }
tcp: { routers: {} }
`);
    expect(short(found)).toEqual([['wiki.lan', '/', false, 'http://10.0.0.5:3000']]);
    expect(reasons(found).map((line) => line.split(':')[0])).toEqual(['middleware login', 'router lost', 'tcp']);
    const labels = importTraefik(
      'traefik.http.routers.notes.rule=Host(`notes.lan`)\ntraefik.http.services.notes.loadbalancer.server.port=8080',
    );
    expect(short(labels)).toEqual([['notes.lan', '/', false, 'http://notes:8080']]);
    expect(() => importTraefik('entryPoints: {}')).toThrow('no http section');
    expect(() => importTraefik('a: &a [1]\nhttp: {{')).toThrow();
  });
});

it('compose: pages by their published ports, labels of proxies, and nothing that is no page', () => {
  const found = importCompose(`
services:
  grafana: { image: "grafana/grafana:11", ports: ["127.0.0.1:3001:3000"] }
  db: { image: postgres, ports: ["5432:5432"] }
  proxy: { image: traefik, ports: ["80:80"] }
  blog:
    image: ghost
    expose: ["2368"]
    labels:
      - traefik.http.routers.blog.rule=Host(\`blog.lan\`)
      - traefik.http.services.blog.loadbalancer.server.port=2368
  hidden: { image: x, ports: ["80"], labels: { atrium.enable: "false" } }
  odd: { image: y, ports: ["8000-8010:8000-8010"] }
`);
  expect(found.sites.map(({ name, hosts, targets }) => [name, hosts.join(), targets[0]!.url])).toEqual([
    ['grafana', '', 'http://127.0.0.1:3001'],
    ['blog', 'blog.lan', 'http://blog:2368'],
  ]);
  expect(found.skipped.map(({ what }) => what)).toEqual([
    'service db',
    'service proxy',
    'service hidden',
    'service odd',
    'service odd',
  ]);
});

it('recipes: fifty apps, each image once, found with registry and tag', () => {
  expect(recipes.length).toBeGreaterThanOrEqual(30);
  const images = recipes.flatMap((recipe) => recipe.images);
  expect(new Set(images).size).toBe(images.length);
  expect(recipes.map(({ id }) => id)).toEqual(recipes.map(({ id }) => id).toSorted());
  expect(recipeOfImage('ghcr.io/home-assistant/home-assistant:stable')?.id).toBe('home-assistant');
  expect(recipeOfImage('nobody/knows')).toBeNull();
  // What holds without the settings of the app may not presume them.
  for (const { id, base, route } of recipes) if (base.length > 0) expect(route.strip_prefix, id).toBeUndefined();
});
