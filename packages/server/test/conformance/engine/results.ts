/** What the process of the suite is told, and what it tells. */
export interface SuiteOrder {
  suite: string;
  files: string[];
  database_url: string;
  report: string;
}

export interface CaseResult {
  file: string;
  name: string;
  state: 'passed' | 'failed' | 'pending' | 'not run';
  error?: string;
}

export interface SuiteReport {
  planned: CaseResult[];
  results: CaseResult[];
}
