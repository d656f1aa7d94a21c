/** Shown in the place of a secret. */
export const mask = '••••••';

const secretWords =
  /(?:^|[_.-])(?:pass|passwd|password|passphrase|pwd|secret|secrets|token|tokens|credential|credentials|auth|apikey|salt|dsn|cookie|private)(?:$|[_.-])|(?:^|[_.-])(?:api|access|secret|private|encryption|signing|master|app|jwt|session|license|admin|deploy|ssh|account)[_.-]?keys?(?:$|[_.-])|password|passwd|secret|token|credential|(?:^|_)key(?:$|_base$)/i;
/** Files and switches have such words in their names as well, and what they hold is no secret. */
const noSecret =
  /(?:_FILE|_PATH|_DIR|_URL_PATH|_ENABLED|_TTL|_EXPIRY|_EXPIRES|_LENGTH|_TYPE|_ALGORITHM|_METHOD|_HEADER)$/i;
const passwordInUrl = /^([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*:)[^\s/?#@]+@/i;
const pem = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const wellKnown = /^(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abprs]-|AKIA|eyJ[A-Za-z0-9_-]{10,}\.)/;

/** Whether a variable of this name and value is to be kept from eyes and files. */
export const isSecret = (name: string, value: string): boolean => {
  if (value === '') return false;
  if (pem.test(value) || wellKnown.test(value) || passwordInUrl.test(value)) return true;
  if (noSecret.test(name) || /^(?:true|false|yes|no|on|off|[0-9]{1,4})$/i.test(value)) return false;
  return secretWords.test(name);
};

/** `--password=x`, `--token x` and `user:x@` in the words of a command. */
export const maskedWords = (words: readonly string[]): string[] =>
  words.map((word, i) => {
    const assigned = /^(-{0,2}[A-Za-z0-9_.-]+)=(.+)$/s.exec(word);
    if (assigned !== null && isSecret(assigned[1]!.replace(/^-+/, ''), assigned[2]!)) return `${assigned[1]}=${mask}`;
    const before = /^--?([A-Za-z0-9_.-]+)$/.exec(words[i - 1] ?? '')?.[1];
    if (before !== undefined && !word.startsWith('-') && isSecret(before, word)) return mask;
    return isSecret('', word) ? maskedUrl(word) : word;
  });

/** A URL keeps what is no secret of it. */
export const maskedUrl = (value: string): string =>
  passwordInUrl.test(value) ? value.replace(passwordInUrl, `$1${mask}@`) : mask;
