/**
 * Every error code Atrium answers with. The same row serves the problem document (RFC 9457), the MCP tool error,
 * the socket close reason and the generated catalogue in docs/errors.md.
 */
export const errorCodes = {
  bad_request: {
    status: 400,
    title: 'Bad request',
    meaning:
      'The request is malformed: broken JSON, a field that the operation does not have, a bad cursor, a bad header.',
  },
  proof_required: {
    status: 400,
    title: 'Proof required',
    meaning: 'Send `proof`: a signature by the key that is to be registered.',
  },
  invalid_signature: {
    status: 400,
    title: 'Invalid signature',
    meaning: 'The signature is not one by that key over what was to be signed, or nobody has that key.',
  },
  invalid_challenge: {
    status: 400,
    title: 'Invalid challenge',
    meaning:
      'The challenge was not made here, was changed, is for another key, is older than five minutes, or was used.',
  },
  diary_invitation_closed: {
    status: 400,
    title: 'The invitation is no longer open',
    meaning: 'It was answered or revoked, or its 30 days are over; `share_status` says which.',
  },
  unauthorized: {
    status: 401,
    title: 'Not signed in',
    meaning: 'No credential, or one that is expired, revoked or unknown.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Wrong e-mail or password',
    meaning: 'The pair does not match an active account.',
  },
  identity_factor_required: {
    status: 401,
    title: 'A second factor is needed',
    meaning: 'The first factor was right; send `challenge` with a code to POST /auth/totp within `expires_in` seconds.',
  },
  identity_challenge_dead: {
    status: 401,
    title: 'Begin to sign in again',
    meaning: 'The sign-in that waited for a second factor has ended, or too many codes were wrong.',
  },
  plan_limit_exceeded: {
    status: 402,
    title: 'Plan limit reached',
    meaning: 'A limit of the organisation is used up; `limit` names it.',
  },
  permission_denied: {
    status: 403,
    title: 'Permission denied',
    meaning: 'The role lacks the permission named in `required`.',
  },
  insufficient_scope: {
    status: 403,
    title: 'Insufficient scope',
    meaning: 'The token lacks the scope named in `required`.',
  },
  escalation_denied: {
    status: 403,
    title: 'Escalation denied',
    meaning: 'Nobody hands out a permission or scope they do not hold; only an Owner makes an Owner.',
  },
  four_eyes_required: {
    status: 403,
    title: 'A second person must decide',
    meaning: 'The requester, or the owner of the requesting agent, cannot approve this item.',
  },
  identity_step_up_required: {
    status: 403,
    title: 'Prove again who you are',
    meaning: 'This needs a fresh sign-in; send one of `methods` to POST /auth/step-up, then repeat the call.',
  },
  csrf_rejected: {
    status: 403,
    title: 'Cross-site request refused',
    meaning: 'A write with a cookie, or a WebSocket, came from another origin.',
  },
  gateway_untrusted_path: {
    status: 403,
    title: 'App not trusted on this connection',
    meaning:
      'The app runs at the origin of the dashboard and the connection is not encrypted. Use HTTPS or a host name of its own, or set `trusted` on the route.',
  },
  operator_required: {
    status: 403,
    title: 'For operators',
    meaning:
      'Only people who run the server may do this, signed in within the last twelve hours; API keys and agents never.',
  },
  address_denied: {
    status: 403,
    title: 'Address denied',
    meaning: 'An operator put the address of the request on the denylist.',
  },
  registration_failed: {
    status: 403,
    title: 'Registration failed',
    meaning: 'The voucher or token is unknown, used, expired or taken back, or whoever gave it may no longer do so.',
  },
  hook_unproven: {
    status: 401,
    title: 'Not proven',
    meaning: 'No endpoint has this address, or the signature, secret or time of the message is not good.',
  },
  pairing_invalid: {
    status: 401,
    title: 'The code is no good',
    meaning: 'The pairing code or token is unknown, expired or used; ask for a new one.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'Unknown, invisible or foreign id; also every dead invitation.',
  },
  channel_not_found: {
    status: 404,
    title: 'Channel not found',
    meaning: 'No visible channel has that name; `suggestions` lists near matches.',
  },
  method_not_allowed: { status: 405, title: 'Method not allowed', meaning: 'The path exists, the method does not.' },
  setup_done: { status: 409, title: 'Setup is already done', meaning: 'The first owner exists; sign in instead.' },
  last_owner: {
    status: 409,
    title: 'The last Owner stays',
    meaning: 'An organisation keeps at least one active Owner.',
  },
  identity_last_operator: {
    status: 409,
    title: 'The last operator stays',
    meaning: 'A server keeps at least one operator who can sign in.',
  },
  identity_email_unverified: {
    status: 409,
    title: 'The address is not confirmed',
    meaning: 'Open the link that was mailed to the address first.',
  },
  identity_link_conflict: {
    status: 409,
    title: 'The account elsewhere cannot be linked',
    meaning: 'It belongs to another account here, or its address does and nobody trusted vouches for it.',
  },
  oauth_key_in_use: {
    status: 409,
    title: 'The key is in use',
    meaning: 'Tokens that this key signed are still good, or new ones are signed by it; rotate first and let them end.',
  },
  oauth_approval_closed: {
    status: 409,
    title: 'The request for approval is over',
    meaning: 'It was decided, or its time is over; `approval_state` says which.',
  },
  gateway_route_conflict: {
    status: 409,
    title: 'Address taken',
    meaning: 'Another route has this host and path or this port, or another program has the port.',
  },
  gateway_route_locked: {
    status: 409,
    title: 'Kept elsewhere',
    meaning: 'A file or label keeps this; `locked` says where to change it.',
  },
  discovery_already_decided: {
    status: 409,
    title: 'Already decided',
    meaning: 'Somebody approved or dismissed this service; `state` says which.',
  },
  toolbox_off: {
    status: 409,
    title: 'The toolbox is off',
    meaning: 'An operator switched it off with `toolbox.enabled`.',
  },
  toolbox_busy: {
    status: 409,
    title: 'Something is under way',
    meaning: 'The state of the deployment, `state`, does not allow that now.',
  },
  toolbox_port_taken: {
    status: 409,
    title: 'Port taken',
    meaning: 'Something on this machine has the port already; `port` says which.',
  },
  gateway_route_stale: {
    status: 412,
    title: 'Changed meanwhile',
    meaning: 'The route or app was changed after the version that was sent; `version` is the current one.',
  },
  item_closed: {
    status: 409,
    title: 'The item is no longer open',
    meaning: 'Somebody else answered or closed it; `item_status` and `answered_by` say who and how.',
  },
  invalid_transition: {
    status: 409,
    title: 'Not possible in this state',
    meaning: 'The item is in a state that does not allow this; `item_status` names it.',
  },
  correction_closed: {
    status: 409,
    title: 'The correction window is over',
    meaning: 'An answer can be replaced only by its author and only for a short while.',
  },
  already_claimed: {
    status: 409,
    title: 'Already claimed',
    meaning: 'Another person is answering; `claimed_by` names them.',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'Idempotency key reused',
    meaning: 'The same key came with a different body.',
  },
  feature_disabled: {
    status: 404,
    title: 'Switched off',
    meaning: 'This part of the server is off; `key` names the setting that switches it on.',
  },
  script_changed: {
    status: 409,
    title: 'The file has changed',
    meaning:
      'It is not the one that an operator agreed to: `digest` was agreed to, `found_digest` is there now. `scripts.confirm` agrees to it.',
  },
  script_run_ended: {
    status: 409,
    title: 'The run has ended',
    meaning: 'There is nothing to cancel any more; `state` says how it ended.',
  },
  script_queue_full: {
    status: 429,
    title: 'Too many runs wait',
    meaning: 'An organisation may have a hundred runs that wait or go on; try again when some have ended.',
  },
  script_file_refused: {
    status: 422,
    title: 'The file cannot be a script',
    meaning: 'It is missing, outside the directory of scripts, no regular file, too large or of no known kind.',
  },
  backup_running: {
    status: 409,
    title: 'A backup is under way',
    meaning:
      'One backup is made at a time, and a file that is being written or tested is not touched; try again when it is done.',
  },
  backup_conflict: {
    status: 409,
    title: 'The backup does not go with what is here',
    meaning:
      'Something here has the name or address of something in the backup; the detail says which. Nothing was changed.',
  },
  backup_unusable: {
    status: 422,
    title: 'The backup cannot be restored',
    meaning:
      'It is damaged, cut off, of another version, or was made under another master key; the detail says which. Nothing was changed.',
  },
  backup_passphrase: {
    status: 422,
    title: 'Another passphrase is needed',
    meaning: 'The backup is encrypted, and the passphrase is missing or not the one of this backup.',
  },
  tool_definition_changed: {
    status: 409,
    title: 'The definition of the tool has changed',
    meaning:
      'It is not the one that a person approved, or nobody has approved one yet. `tools.approve` approves it; `fingerprint` was approved, `found_fingerprint` is there now.',
  },
  tool_denied: {
    status: 403,
    title: 'The policy forbids this tool',
    meaning: 'The policy of the tool says deny for you, or the person who was asked said no; `reason` says which.',
  },
  tool_sign_in_needed: {
    status: 409,
    title: 'Sign in at the MCP server',
    meaning:
      'The tool acts for a person, who has not signed in there yet or whose sign-in has ended; `connect` has the page.',
  },
  tool_sign_in_failed: {
    status: 502,
    title: 'The sign-in could not begin',
    meaning: 'The MCP server or its authorization server answered with what no sign-in can begin with.',
  },
  tool_server_unavailable: {
    status: 502,
    title: 'The MCP server cannot be asked',
    meaning: 'It is switched off, does not answer, or answered with an error of the protocol; `detail` says which.',
  },
  tool_no_approver: {
    status: 409,
    title: 'Nobody can be asked',
    meaning: 'The policy of the tool is to ask a person, and whoever is to be asked can decide nothing here.',
  },
  tool_call_ended: {
    status: 409,
    title: 'The call has ended',
    meaning: 'There is nothing to take back any more; `state` says how it ended.',
  },
  name_taken: { status: 409, title: 'Name already taken', meaning: 'The name, slug or address exists.' },
  in_use: { status: 409, title: 'Still in use', meaning: 'Something refers to it; `detail` says what.' },
  generation_conflict: {
    status: 409,
    title: 'Changed meanwhile',
    meaning: 'The thing changed since it was read; read it again.',
  },
  key_already_registered: {
    status: 409,
    title: 'The key is registered',
    meaning: 'An agent has this key, or had it. Whoever holds its private half recovers by it.',
  },
  fingerprint_collision: {
    status: 409,
    title: 'Another key has this fingerprint',
    meaning: 'The short names of two keys are the same; make another key.',
  },
  agent_key_exists: {
    status: 409,
    title: 'The agent has a key',
    meaning: 'A key is attached once; afterwards it is replaced by one that the old one vouches for.',
  },
  agent_key_missing: {
    status: 409,
    title: 'No key',
    meaning: 'Only an agent with a key of its own does this; attach one first.',
  },
  personal_key_missing: {
    status: 409,
    title: 'No key to sign with',
    meaning: 'The person has no signing key, or this one is revoked or not theirs; they make one under Security.',
  },
  passkey_missing: {
    status: 409,
    title: 'A passkey is needed',
    meaning: 'A passkey approves this; add one under Security first.',
  },
  signing_request_expired: {
    status: 409,
    title: 'The signing request has expired',
    meaning: 'No signature came in time; prepare the message again.',
  },
  signing_request_declined: {
    status: 409,
    title: 'The signing request was declined',
    meaning: 'The person behind the agent, or the one who was to sign, declined it; it takes no signature any more.',
  },
  signing_request_cancelled: {
    status: 409,
    title: 'The signing request was taken back',
    meaning: 'Whoever asked for the signature took the request back; it takes no signature any more.',
  },
  signing_request_unsigned: {
    status: 409,
    title: 'Only a signature answers this',
    meaning: 'A person is asked for a signature by their own key; open the request in the browser that holds it.',
  },
  signing_request_already_completed: {
    status: 409,
    title: 'The signing request is completed',
    meaning: 'A signature was handed in, good or not; there is one attempt.',
  },
  recovery_code_dead: {
    status: 410,
    title: 'The recovery code is no longer good',
    meaning: 'It was used, has expired, or is not one for the agent of that key.',
  },
  diary_ref_ambiguous: {
    status: 409,
    title: 'Several diaries have that name',
    meaning: 'More than one diary you can read is called so; `ids` lists them. Name one by its id.',
  },
  diary_entries_too_long: {
    status: 409,
    title: 'Entries are too long for that visibility',
    meaning: 'Entries of a public diary hold at most 10,000 characters; `entry_ids` lists longer ones.',
  },
  diary_limit_reached: {
    status: 409,
    title: 'A limit of diaries is reached',
    meaning: '`limit` names it and `max` says how many there may be.',
  },
  diary_search_unavailable: {
    status: 503,
    title: 'Search by meaning is not available',
    meaning: 'No model is configured, or it did not answer; a search by words works all the same.',
  },
  share_exists: {
    status: 409,
    title: 'Already shared',
    meaning: 'The subject has a share or an open invitation; change its role instead. `share_id` names it.',
  },
  entry_immutable: {
    status: 409,
    title: 'Signed entries do not change',
    meaning: 'An entry of a signed diary is neither changed nor deleted; supersede it, or let the owner erase it.',
  },
  entry_version_conflict: {
    status: 409,
    title: 'The entry was changed meanwhile',
    meaning: 'Read it again; `current_version` says what it is now. Nothing was changed.',
  },
  entry_superseded: {
    status: 409,
    title: 'The entry was replaced already',
    meaning: 'Another entry took its place; read it again and correct that one.',
  },
  entry_duplicate: {
    status: 409,
    title: 'The diary holds that text already',
    meaning: 'The call asked to refuse duplicates; `entry_id` names the entry.',
  },
  relation_exists: {
    status: 409,
    title: 'Already related so',
    meaning: 'The two entries have that relation; `relation_id` names it.',
  },
  relation_decided: {
    status: 409,
    title: 'The relation is decided',
    meaning: 'Somebody accepted or rejected it; remove it first to begin anew.',
  },
  identity_link_dead: {
    status: 410,
    title: 'The link is no longer good',
    meaning: 'It was used, has expired, or a newer one was sent.',
  },
  too_large: { status: 413, title: 'Too large', meaning: 'Body or upload exceeds its limit.' },
  unsupported_type: {
    status: 415,
    title: 'Unsupported type',
    meaning: 'The content type, or the type sniffed from the bytes, is not accepted.',
  },
  validation_failed: {
    status: 422,
    title: 'Validation failed',
    meaning: 'One or more fields are wrong; `errors[]` lists path and message.',
  },
  entry_signature_required: {
    status: 422,
    title: 'The entry must be signed',
    meaning:
      'Its diary is signed. Sign the bytes of `signing_input` (base64) with your Ed25519 key and send the call again with `signature`.',
  },
  archive_invalid: {
    status: 422,
    title: 'The archive is not whole',
    meaning: 'It was changed, cut off or is no archive; `problem`, `line` and `entry_id` say what was found first.',
  },
  entry_refused: {
    status: 422,
    title: 'The diary does not take that text',
    meaning:
      'It reads like orders to a model, and the policy of the diary is to refuse such text; `rules` names what matched.',
  },
  certificate_unusable: {
    status: 422,
    title: 'The certificate cannot be used',
    meaning:
      '`reason` says why: its key belongs to another, it ended, its key or signature is weak, its chain is broken.',
  },
  toolbox_unticked: {
    status: 422,
    title: 'An operator has to tick this',
    meaning: 'The template lets a container out of its box; `dangers` lists what has to be named in `accept`.',
  },
  gateway_target_refused: {
    status: 422,
    title: 'Target refused',
    meaning:
      'Atrium does not connect there: the address is its own, private without an operator, or never allowed; `target` names it.',
  },
  gateway_unknown_host: {
    status: 421,
    title: 'Unknown host',
    meaning: 'No route has this host name, and it is none of this server. ATRIUM_EXTRA_HOSTS adds names of its own.',
  },
  pairing_limit: {
    status: 429,
    title: 'Too many open pairings',
    meaning: 'Ten codes of a person can be open at once; cancel one, or wait until they expire.',
  },
  rate_limited: { status: 429, title: 'Too many requests', meaning: 'Wait for the seconds in `Retry-After`.' },
  voucher_limit: {
    status: 429,
    title: 'Too many open vouchers',
    meaning: 'Five may be open at once; one more goes when one is redeemed, taken back or expired.',
  },
  signing_limit: {
    status: 429,
    title: 'Too many open signing requests',
    meaning: 'Twenty may wait at once; complete one or let it expire.',
  },
  too_many_waits: { status: 429, title: 'Too many open waits', meaning: 'A principal may hold 20 waits at once.' },
  identity_provider_failed: {
    status: 502,
    title: 'The sign-in provider did not answer as it should',
    meaning: 'Its metadata or its token answer could not be read, or its proof does not hold.',
  },
  gateway_bad_path: {
    status: 400,
    title: 'Bad path',
    meaning: 'The path has dot segments, backslashes, NUL or escapes of them.',
  },
  gateway_bad_gateway: {
    status: 502,
    title: 'The app does not answer',
    meaning: 'The connection to the app failed or its answer is no HTTP; `outcome` says which.',
  },
  gateway_upstream_unhealthy: {
    status: 503,
    title: 'The app is down',
    meaning: 'No target of the route can be reached; try again after the seconds in `Retry-After`.',
  },
  toolbox_engine_unavailable: {
    status: 503,
    title: 'The container engine does not answer',
    meaning: 'Docker could not be reached, or refused; the detail says what it said.',
  },
  gateway_upstream_timeout: {
    status: 504,
    title: 'The app took too long',
    meaning: 'The app did not answer within the time of its route.',
  },
  gateway_loop: {
    status: 508,
    title: 'Loop',
    meaning: 'The request came through this server before; a target leads back to Atrium.',
  },
  container_runtime_unavailable: {
    status: 503,
    title: 'The container engine cannot be asked',
    meaning:
      'It is off, does not answer, or a proxy before it does not let this through; `missing` names rights and `hint` the line to add.',
  },
  federation_off: {
    status: 409,
    title: 'Federation is off',
    meaning:
      'Set ATRIUM_FEDERATION_ENABLED=true; to open apps of peers ATRIUM_FEDERATION_ALLOW_REMOTE_ROUTES=true as well.',
  },
  federation_refused: {
    status: 502,
    title: 'The peer was not joined',
    meaning: 'It did not answer, refused, or is not who the invitation says; `reason` says which.',
  },
  container_action_failed: {
    status: 502,
    title: 'The container engine refused',
    meaning: 'The container was not started or stopped; the detail has the words of the engine.',
  },
  too_many_containers: {
    status: 422,
    title: 'Too many containers at once',
    meaning: 'A call acts on 100 at most; narrow the filter, or name ids. `matched` tells how many it was.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    meaning: 'Something nobody expected; the log has it under `request_id`.',
  },
  storage_full: {
    status: 507,
    title: 'Storage is full',
    meaning: 'The disk or database has no room; nothing was changed.',
  },
  not_ready: {
    status: 503,
    title: 'Not ready',
    meaning: 'The database is down or the server is starting or draining; try again.',
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** One wrong field. `path` is dotted (`form.fields.0.id`), empty for the whole input. */
export interface FieldError {
  path: string;
  message: string;
}

/** Body of every error answer, media type `application/problem+json` (RFC 9457). Extension members are flat. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  instance: string;
  request_id: string;
  errors?: FieldError[];
  [extension: string]: unknown;
}
