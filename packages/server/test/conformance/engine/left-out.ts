/** Files of the suite that are not run against the settings of this server, and why. Run A has them all. */
export const leftOut: readonly { why: string; files: readonly string[] }[] = [
  {
    why: 'parts of the engine by themselves: no provider with settings is asked anything',
    files: [
      '_/',
      'adapters/',
      'configuration/',
      'formats/',
      'helpers/',
      'jwt/',
      'provider/',
      'router/',
      'tools/',
      'views/',
    ],
  },
  {
    why: 'other programs that the engine is mounted in, with parsers of bodies before it: the host of this server is run C',
    files: ['body_parser/', 'routing/'],
  },
  {
    why: 'implicit and hybrid flows, and response modes for them, are not offered',
    files: [
      'auth_time/',
      'core/basic/none',
      'core/hybrid/',
      'core/implicit/',
      'web_message/',
      'custom_response_modes/',
    ],
  },
  {
    why: 'calls that tell a client of a log-out are jobs of the server, made after the request: the flows test them',
    files: ['backchannel_logout/'],
  },
  { why: 'encrypted tokens are not offered', files: ['encryption/'] },
  { why: 'pairwise subjects are not offered', files: ['pairwise/'] },
  { why: 'the FAPI profiles of the engine are not switched on', files: ['fapi/'] },
  { why: 'the parameter `claims` is not switched on', files: ['claims/', 'claim_types/'] },
  { why: 'credential issuance and pre-authorized codes are not offered', files: ['openid4vci/'] },
  { why: 'attestation-based client authentication is not offered', files: ['attest_bindings/'] },
  { why: 'policies of registration tokens are not used', files: ['registration_policies/'] },
  { why: 'tokens never end with the session of the browser', files: ['session_bound_tokens/'] },
  { why: 'the engine signs with the keys of the case, not with those of this server', files: ['external_signing/'] },
  {
    why: 'the pages for log-in and consent that the engine has for development are switched off',
    files: ['interaction/'],
  },
];

export const isLeftOut = (file: string): boolean =>
  leftOut.some(({ files }) => files.some((part) => file.startsWith(`test/${part}`)));
