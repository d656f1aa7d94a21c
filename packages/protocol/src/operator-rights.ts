/** What operations for the people who run the server have in common: no role of an organisation opens them. */
const operatorOnly = { access: 'signed_in', permission: null, principals: ['user'], operator: true } as const;

export const operatorReads = { ...operatorOnly, scope: 'admin:read' } as const;
export const operatorWrites = { ...operatorOnly, scope: 'admin:write' } as const;
