export interface KnownImage {
  name: string;
  icon: string;
  tags: string[];
}

export interface ImageName {
  registry: string | null;
  /** Folders between registry and name: `grafana` of `grafana/grafana`. */
  namespace: string[];
  name: string;
}

/** `ghcr.io/home-assistant/home-assistant:stable@sha256:…` in its parts, lower case. */
export const parseImage = (image: string): ImageName => {
  const parts = image.toLowerCase().replace(/@.*$/, '').split('/');
  // A first part is a registry when it could be a host: with a dot or a port.
  const registry = parts.length > 1 && /[.:]|^localhost$/.test(parts[0]!) ? parts.shift()! : null;
  const name = (parts.pop() ?? '').replace(/:.*$/, '');
  return { registry, namespace: parts, name };
};

const known: readonly (readonly [names: string, title: string, icon: string, tags: string])[] = [
  ['grafana grafana-oss grafana-enterprise', 'Grafana', '📊', 'monitoring'],
  ['prometheus', 'Prometheus', '🔥', 'monitoring'],
  ['alertmanager', 'Alertmanager', '🚨', 'monitoring'],
  ['uptime-kuma', 'Uptime Kuma', '📈', 'monitoring'],
  ['netdata', 'Netdata', '📉', 'monitoring'],
  ['glances', 'Glances', '👁️', 'monitoring'],
  ['nginx', 'nginx', '🌐', 'web'],
  ['httpd', 'Apache', '🪶', 'web'],
  ['wordpress', 'WordPress', '📰', 'web'],
  ['ghost', 'Ghost', '👻', 'web'],
  ['jellyfin', 'Jellyfin', '🎬', 'media'],
  ['pms-docker plex', 'Plex', '🎞️', 'media'],
  ['emby embyserver', 'Emby', '📺', 'media'],
  ['navidrome', 'Navidrome', '🎵', 'media'],
  ['audiobookshelf', 'Audiobookshelf', '🎧', 'media'],
  ['calibre-web', 'Calibre-Web', '📚', 'media'],
  ['immich-server', 'Immich', '🖼️', 'photos'],
  ['photoprism', 'PhotoPrism', '📷', 'photos'],
  ['sonarr', 'Sonarr', '📡', 'media'],
  ['radarr', 'Radarr', '🎥', 'media'],
  ['lidarr', 'Lidarr', '🎼', 'media'],
  ['prowlarr', 'Prowlarr', '🔎', 'media'],
  ['bazarr', 'Bazarr', '💬', 'media'],
  ['overseerr jellyseerr', 'Seerr', '🎟️', 'media'],
  ['qbittorrent', 'qBittorrent', '⬇️', 'downloads'],
  ['transmission', 'Transmission', '⬇️', 'downloads'],
  ['sabnzbd', 'SABnzbd', '⬇️', 'downloads'],
  ['home-assistant', 'Home Assistant', '🏠', 'home'],
  ['node-red', 'Node-RED', '🔀', 'automation'],
  ['n8n', 'n8n', '🔗', 'automation'],
  ['zigbee2mqtt', 'Zigbee2MQTT', '🐝', 'home'],
  ['esphome', 'ESPHome', '🔌', 'home'],
  ['pihole', 'Pi-hole', '🕳️', 'network'],
  ['adguardhome', 'AdGuard Home', '🛡️', 'network'],
  ['nextcloud', 'Nextcloud', '☁️', 'files'],
  ['filebrowser', 'File Browser', '🗂️', 'files'],
  ['syncthing', 'Syncthing', '🔄', 'files'],
  ['paperless-ngx', 'Paperless-ngx', '📄', 'documents'],
  ['bookstack', 'BookStack', '📖', 'documents'],
  ['wiki wikijs', 'Wiki.js', '📘', 'documents'],
  ['outline', 'Outline', '📝', 'documents'],
  ['vaultwarden', 'Vaultwarden', '🔐', 'security'],
  ['gitea forgejo', 'Gitea', '🍵', 'development'],
  ['gitlab-ce gitlab-ee', 'GitLab', '🦊', 'development'],
  ['jenkins', 'Jenkins', '🤵', 'development'],
  ['code-server openvscode-server', 'Code server', '💻', 'development'],
  ['sonarqube', 'SonarQube', '🧪', 'development'],
  ['pgadmin4', 'pgAdmin', '🐘', 'database'],
  ['adminer', 'Adminer', '🗄️', 'database'],
  ['phpmyadmin', 'phpMyAdmin', '🐬', 'database'],
  ['mongo-express', 'Mongo Express', '🍃', 'database'],
  ['minio', 'MinIO', '🪣', 'storage'],
  ['open-webui', 'Open WebUI', '🤖', 'ai'],
  ['ollama', 'Ollama', '🦙', 'ai'],
  ['freshrss', 'FreshRSS', '🗞️', 'reading'],
  ['miniflux', 'Miniflux', '🗞️', 'reading'],
  ['mealie', 'Mealie', '🍲', 'home'],
  ['homepage', 'Homepage', '🧭', 'dashboard'],
  ['homarr', 'Homarr', '🦞', 'dashboard'],
];

const byName = new Map(
  known.flatMap(([names, name, icon, tags]) =>
    names.split(' ').map((one) => [one, { name, icon, tags: tags.split(' ') }] as const),
  ),
);

/** An image that many people run, and what it is called. */
export const knownImage = (image: string): KnownImage | null => byName.get(parseImage(image).name) ?? null;

const beginsWith = (name: string, words: readonly string[]): boolean =>
  words.some((word) => name === word || name.startsWith(`${word}-`) || name.startsWith(`${word}_`));

/** What runs other containers, or proxies them: showing it as an app would be a way around what it guards. */
export const isSystemImage = (image: string): boolean => {
  const { registry, namespace, name } = parseImage(image);
  return (
    registry === 'k8s.gcr.io' ||
    registry === 'registry.k8s.io' ||
    namespace.some((folder) => ['rancher', 'portainer', 'k8s'].includes(folder)) ||
    beginsWith(name, ['portainer', 'rancher', 'traefik', 'caddy', 'k8s'])
  );
};

/** This server itself, or the program it takes the place of. */
export const isOwnImage = (image: string): boolean => beginsWith(parseImage(image).name, ['atrium', 'nekzus']);
