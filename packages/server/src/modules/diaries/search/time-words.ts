/** Questions for a time and the words that tell one. Languages that are not here rank without that hint. */
interface TimeLanguage {
  /** On the text of the query, since question words are stop words. */
  question: RegExp;
  /** As the stemmer leaves them. */
  lexemes: ReadonlySet<string>;
}

const lexemesOf = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const languages: Record<string, TimeLanguage> = {
  english: {
    question: /\b(?:when|how long|(?:what|which) (?:date|day|month|year|week|time))\b/iu,
    lexemes: lexemesOf(
      'yesterday today tonight tomorrow last next ago day week weekend month year morn afternoon even night ' +
        'monday tuesday wednesday thursday friday saturday sunday ' +
        'januari februari march april may june juli august septemb octob novemb decemb recent earlier later',
    ),
  },
};

const year = /^(?:19|20)\d\d$/u;

/** What a lexeme must be to tell a time; null when the query does not ask for one. */
export const timeLexemes = (query: string, language: string): ((lexeme: string) => boolean) | null => {
  const words = languages[language];
  if (!words?.question.test(query)) return null;
  return (lexeme) => words.lexemes.has(lexeme) || year.test(lexeme);
};

/** Closing quotes and brackets may follow the mark; Arabic, Greek and East Asian writing have their own. */
export const asksQuestion = (content: string): boolean => /[?？؟\u037e]["'”’»)\]\s]*$/u.test(content);
