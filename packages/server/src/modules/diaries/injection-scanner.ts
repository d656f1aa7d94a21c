/** What a judge of text says: the names of the rules that matched, none for text that is only text. */
export type InjectionScanner = (text: string) => readonly string[];

/** Letters that look like Latin ones, and the few digits that stand for letters inside words. */
const lookalikes: Readonly<Record<string, string>> = {
  а: 'a',
  е: 'e',
  о: 'o',
  р: 'p',
  с: 'c',
  у: 'y',
  х: 'x',
  і: 'i',
  ѕ: 's',
  ј: 'j',
  ο: 'o',
  α: 'a',
  ι: 'i',
  ν: 'v',
  ρ: 'p',
  ß: 'ss',
};
const lookalike = new RegExp(`[${Object.keys(lookalikes).join('')}]`, 'gu');

/** Compatibility forms, case, accents, invisible characters and look-alikes taken away; line ends stay. */
const normalised = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase()
    .replace(lookalike, (letter) => lookalikes[letter]!)
    .replace(/[^\S\n]+/g, ' ');

/** `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`: at least six letters, each by itself. */
const spaced = /(?<![\p{L}\p{N}])\p{L}(?:[\s._*|/-]{1,3}\p{L}(?![\p{L}\p{N}])){5,}/gu;

/** Letter-spaced runs without what stands between the letters. */
const squeezedRuns = (text: string): string =>
  [...text.matchAll(spaced)].map(([run]) => run.replace(/[^\p{L}]/gu, '')).join('\n');

/** Up to so many characters of one sentence; bounded, so that no text makes a rule slow. */
const near = '[^.!?\\n]{0,60}?';

interface Rule {
  name: string;
  /** On normalised text. */
  pattern: RegExp;
}

const rule = (name: string, ...alternatives: string[]): Rule => ({
  name,
  pattern: new RegExp(alternatives.join('|'), 'mu'),
});

/** English, German, French and Spanish; accents are gone when these look. */
const rules: readonly Rule[] = [
  rule(
    'override',
    `\\b(?:ignore|disregard|forget|override|bypass|do not follow|stop following)\\b${near}\\b(?:all|any|every|previous|prior|above|earlier|preceding|foregoing|former|your|system)\\b${near}\\b(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|orders?|commands?)\\b`,
    `\\b(?:ignorier\\w*|missacht\\w*|vergiss|vergesst|vergessen sie|uberspring\\w*|ubergeh\\w*|umgeh\\w*)\\b${near}\\b(?:all\\w*|bisherig\\w*|vorherig\\w*|vorig\\w*|obig\\w*|fruher\\w*|vorangegangen\\w*|deine\\w*|eure\\w*|ihre\\w*)\\b${near}\\b(?:\\w*anweisung\\w*|instruktion\\w*|befehl\\w*|vorgabe\\w*|regel\\w*|\\w*prompts?|anordnung\\w*)\\b`,
    `\\b(?:ignore[rsz]?|oublie[rsz]?|neglige[rsz]?|ne (?:tiens|tenez|tient) pas compte|contourne[rsz]?)\\b${near}\\b(?:instructions?|consignes?|ordres?|regles?|directives?)\\b${near}\\b(?:precedent\\w*|anterieur\\w*|ci-dessus|initiales?|du systeme|que)\\b`,
    `\\b(?:ignore[rsz]?|oublie[rsz]?|ne (?:tiens|tenez|tient) pas compte)\\b${near}\\b(?:tout(?:e|es)?|tous|tes|vos)\\b${near}\\b(?:instructions?|consignes?|ordres?|regles?|directives?)\\b`,
    `\\b(?:ignora[rds]?|ignoren?|ignore|olvida[rds]?|olviden?|olvide|descarta[rd]?|haz caso omiso|hagan? caso omiso|pasa por alto)\\b${near}\\b(?:instruccion(?:es)?|ordenes|orden|reglas?|indicacion(?:es)?|directrices)\\b${near}\\b(?:anterior(?:es)?|previ[ao]s?|iniciales|del sistema)\\b`,
    `\\b(?:ignora[rds]?|ignoren?|olvida[rds]?|olviden?|olvide|haz caso omiso|hagan? caso omiso)\\b${near}\\b(?:tod[ao]s|tus|sus|cualquier)\\b${near}\\b(?:instruccion(?:es)?|ordenes|reglas?|indicacion(?:es)?|directrices)\\b`,
  ),
  rule(
    'role_change',
    `\\byou are now\\b${near}\\b(?:dan|unrestricted|unfiltered|jailbroken|uncensored|developer mode|root|admin(?:istrator)?|evil)\\b`,
    '\\bfrom now on,? you (?:are|will|must|shall|only)\\b',
    `\\b(?:act|behave|respond) as (?:if you (?:are|were|have)\\b|an? (?:unrestricted|unfiltered|jailbroken|uncensored|evil))`,
    '\\b(?:enable|enter|activate) (?:developer|jailbreak|dan|god) mode\\b',
    '\\bdu bist (?:jetzt|nun|ab sofort|ab jetzt)\\b',
    '\\bab (?:jetzt|sofort|nun) (?:bist|wirst|musst|sollst|darfst|antwortest) du\\b',
    '\\b(?:tu es|vous etes) (?:maintenant|desormais|a present)\\b',
    '\\ba partir de (?:maintenant|cet instant),? (?:tu|vous)\\b',
    '\\b(?:ahora eres|a partir de ahora,? (?:eres|seras|debes|responderas|actua\\w*))\\b',
  ),
  rule(
    'role_text',
    '^[ >#*"\'`]*(?:system|developer)(?: ?(?:prompt|message|note))? ?:',
    '^[ >#*"\'`]*(?:systemnachricht|systemanweisung|message systeme|mensaje del sistema) ?:',
    '<\\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id)\\|>',
    '\\[/?inst\\]|<</?sys>>|</?(?:system|system_prompt|assistant|human)>',
    '^#{2,} ?(?:system|new instructions?|instruction)\\b',
  ),
  rule(
    'prompt_leak',
    `\\b(?:reveal|show|print|repeat|output|display|leak|tell me|give me)\\b${near}\\b(?:your|the)\\b${near}\\b(?:system prompt|hidden prompt|initial prompt|system instructions?|hidden instructions?|secret instructions?|original instructions?)\\b`,
    `\\b(?:zeig\\w*|nenn\\w*|verrat\\w*|wiederhol\\w*|gib|geben sie)\\b${near}\\b(?:system-?prompt\\w*|systemanweisung\\w*|(?:geheimen?|versteckten?|ursprunglichen?) (?:anweisung\\w*|prompt\\w*))\\b`,
    `\\b(?:revele[rsz]?|montre[rsz]?|affiche[rsz]?|repete[rsz]?|donne[rsz]?)\\b${near}\\b(?:prompt systeme|instructions? (?:systeme|cachees?|secretes?|initiales?))\\b`,
    `\\b(?:revela[rd]?|muestra(?:me)?|mostrar|imprime|repite|dame)\\b${near}\\b(?:prompt del sistema|instrucciones (?:del sistema|ocultas|secretas|iniciales))\\b`,
  ),
];

/** For runs whose word ends are lost. */
const squeezedRule =
  /(?:ignore|disregard|forget|override)(?:all|any|the|your|my|every|previous|prior|above|earlier|of)*(?:instructions?|prompts?|rules|guidelines)|(?:ignoriere?|vergiss|missachte)(?:alle|bisherigen?|vorherigen?|vorigen?|obigen?|deine)*(?:anweisungen|instruktionen|befehle|regeln|vorgaben)|(?:ignorez?|oubliez?)(?:toutes?|tous|les|tes|vos)*(?:instructions|consignes|regles)|(?:ignora|olvida)(?:todas?|las|tus|sus)*(?:instrucciones|reglas)|systemprompt/;

/**
 * Says what in a text reads like orders to a model. It finds the plain attempts in four languages, letter-spaced or
 * disguised; somebody who wants to get past it will, which is why such text is also handed on as foreign, flag or not.
 */
export const scanForInjection: InjectionScanner = (text) => {
  const plain = normalised(text);
  const found = rules.filter(({ pattern }) => pattern.test(plain)).map(({ name }) => name);
  if (squeezedRule.test(squeezedRuns(plain))) found.push('letter_spaced');
  return found;
};
