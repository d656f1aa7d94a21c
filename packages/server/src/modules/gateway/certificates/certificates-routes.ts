import {
  certificatesAuthority,
  certificatesCreate,
  certificatesDelete,
  certificatesGet,
  certificatesHistory,
  certificatesList,
  certificatesRenew,
  certificatesReplace,
  certificatesSuggest,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { CertificatesService } from './certificates-service.ts';

export const certificatesBindings = (certificates: CertificatesService): Binding[] => [
  bind(certificatesList, (_call, input) => certificates.list(input)),
  bind(certificatesSuggest, () => certificates.suggest()),
  bind(certificatesHistory, (_call, input) => certificates.history(input)),
  bind(certificatesAuthority, () => certificates.authority()),
  bind(certificatesGet, (_call, { id }) => certificates.get(id)),
  bind(certificatesCreate, certificates.create),
  bind(certificatesRenew, (call, { id }) => certificates.renew(call, id)),
  bind(certificatesReplace, certificates.replace),
  bind(certificatesDelete, (call, { id }) => certificates.remove(call, id)),
];
