/** What goes into PostgreSQL's text search parser, the same for entries and for queries. */

/** Scripts that put no spaces between words; the parser would take a whole sentence for one word. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/gu;

const accents = /(\p{Script=Latin})[\u0300-\u036f]+/gu;

/**
 * Accents of Latin letters are dropped, since people leave them out. Slashes part words: the parser would take `tea/coffee` for the name of a
 * file. Marks of other scripts stay, because there they tell letters apart.
 */
export const foldText = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(accents, '$1')
    .normalize('NFC')
    .replace(/[’‘ʼ]/gu, "'")
    .replace(/[/\\\0]/gu, ' ')
    .replace(unspaced, ' $& ');

/** PostgreSQL's configurations and the languages whose calendar words go with them; any other has none. */
const calendarLocales: Record<string, string> = {
  arabic: 'ar',
  danish: 'da',
  dutch: 'nl',
  english: 'en',
  finnish: 'fi',
  french: 'fr',
  german: 'de',
  greek: 'el',
  hungarian: 'hu',
  indonesian: 'id',
  irish: 'ga',
  italian: 'it',
  lithuanian: 'lt',
  norwegian: 'nb',
  portuguese: 'pt',
  romanian: 'ro',
  russian: 'ru',
  spanish: 'es',
  swedish: 'sv',
  turkish: 'tr',
};

/** A date as a person would name it (`Monday 8 May 2023`), so that "what happened in May" meets the entries of May. */
export const dateWords = (date: Date, language: string): string => {
  const locale = calendarLocales[language];
  if (locale === undefined) return `${date.getUTCFullYear()}`;
  return new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
    numberingSystem: 'latn',
  })
    .format(date)
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ');
};
