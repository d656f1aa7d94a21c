import type { ProviderPreset } from '@atrium/protocol';

export interface PresetField {
  name: string;
  label: string;
  needed: boolean;
  placeholder: string;
  hint?: string;
}

export const presets: readonly { value: ProviderPreset; label: string }[] = [
  { value: 'google', label: 'Google' },
  { value: 'github', label: 'GitHub' },
  { value: 'microsoft', label: 'Microsoft' },
  { value: 'apple', label: 'Apple' },
  { value: 'gitlab', label: 'GitLab' },
  { value: 'okta', label: 'Okta' },
  { value: 'auth0', label: 'Auth0' },
  { value: 'oidc', label: 'OpenID Connect' },
];

const issuer = (needed: boolean, placeholder: string, hint?: string): PresetField => ({
  name: 'issuer',
  label: 'Issuer',
  needed,
  placeholder,
  ...(hint === undefined ? {} : { hint }),
});

/** What is asked beside name, client id and secret. */
export const presetFields: Readonly<Record<ProviderPreset, readonly PresetField[]>> = {
  google: [],
  github: [
    {
      name: 'base_url',
      label: 'Server',
      needed: false,
      placeholder: 'https://github.com',
      hint: 'Only for GitHub Enterprise.',
    },
  ],
  microsoft: [
    {
      name: 'tenant',
      label: 'Tenant',
      needed: false,
      placeholder: 'common',
      hint: 'A directory id lets its people in alone; common lets in every account.',
    },
  ],
  apple: [
    { name: 'team_id', label: 'Team ID', needed: true, placeholder: 'A1B2C3D4E5' },
    { name: 'key_id', label: 'Key ID', needed: true, placeholder: 'F6G7H8I9J0' },
  ],
  gitlab: [issuer(false, 'https://gitlab.com', 'Only for a GitLab of your own.')],
  okta: [issuer(true, 'https://example.okta.com')],
  auth0: [issuer(true, 'https://example.eu.auth0.com/')],
  oidc: [issuer(true, 'https://login.example.org')],
};
