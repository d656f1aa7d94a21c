import { expect, test } from 'vitest';
import { asksQuestion, timeLexemes } from './time-words.ts';

test('a question for a time looks for words that tell one', () => {
  const tells = timeLexemes('When did the release happen?', 'english')!;
  expect(['yesterday', 'juli', '1999', '2023'].every(tells)).toBe(true);
  expect(['releas', '42', '20231'].some(tells)).toBe(false);
});

test('other questions and other languages get no such hint', () => {
  expect(timeLexemes('Who made the release?', 'english')).toBeNull();
  expect(timeLexemes('Wann war das?', 'german')).toBeNull();
});

test('a question mark may stand before closing quotes, and in other scripts', () => {
  for (const text of ['Ready?', 'He said "ready?"', '準備はいい？', 'هل أنت جاهز؟', 'Έτοιμος\u037e', 'Really?) ']) {
    expect(asksQuestion(text)).toBe(true);
  }
  for (const text of ['Ready.', 'Why? Because.', '', 'a; b;']) expect(asksQuestion(text)).toBe(false);
});
