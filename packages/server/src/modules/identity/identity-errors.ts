import { AppError } from '../../platform/errors/app-error.ts';

const taken: Readonly<Record<string, string>> = {
  identity_providers_slug_key: 'A provider with this slug exists.',
  identity_emails_address: 'An account with this e-mail address exists.',
  identity_roles_name: 'A role with this name exists.',
  identity_agents_name: 'An agent with this name exists.',
  identity_orgs_slug_key: 'This slug is taken.',
  identity_teams_name: 'A team with this name exists.',
  identity_teams_org_id_slug_key: 'A team with this name exists.',
};

/** A broken unique index of this module as the error a caller can act on; null when it is something else. */
export const nameTaken = (error: unknown): AppError | null => {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505' || !('constraint' in error))
    return null;
  const message = taken[String(error.constraint)];
  return message === undefined ? null : new AppError('name_taken', message, { cause: error });
};
