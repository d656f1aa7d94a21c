/** What cases are run against: their own settings, those of this server, or those behind its own listener. */
export type SuiteMode = 'adapter' | 'mounted' | 'host';

/** What the process of the suite is told, and what it tells. */
export interface SuiteOrder {
  mode: SuiteMode;
  suite: string;
  files: string[];
  database_url: string;
  /** For the server that is started. */
  data_dir: string;
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
