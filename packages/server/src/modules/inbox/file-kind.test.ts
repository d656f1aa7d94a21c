import { expect, test } from 'vitest';
import { mayBeShown, nameLies, plainText, safeFileName, servedMime, sniffMime } from './file-kind.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const text = (content: string) => Buffer.from(content);

test('the type comes from the bytes: pictures, text, bytes without a form', async () => {
  expect(await sniffMime(png, true)).toBe('image/png');
  expect(await sniffMime(text('Grüße\n'), true)).toBe(plainText);
  expect(await sniffMime(text('%PDF-1.7\n'), true)).toBe('application/pdf');
  expect(await sniffMime(Buffer.from([1, 2, 3, 0, 255]), true)).toBe('application/octet-stream');
  expect(await sniffMime(text(''), true)).toBe(plainText);
});

test.each([
  ['<!DOCTYPE html><title>x</title>', 'text/html'],
  ['\ufeff \n\t<HTML onload=alert(1)>', 'text/html'],
  ['<script>alert(1)</script>', 'text/html'],
  ['<!-- a --><b>x</b>', 'text/html'],
  ['<img src=x onerror=alert(1)>', 'text/html'],
  ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'application/xhtml+xml'],
  ['<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'image/svg+xml'],
  ['<svg/onload=alert(1)>', 'image/svg+xml'],
  ['<?xml version="1.0"?><x:svg xmlns:x="http://www.w3.org/2000/svg"/>', 'image/svg+xml'],
  ['<?xml version="1.0"?><feed/>', 'application/xml'],
])('%j is recognised as what a browser would make of it, and is never shown', async (content, mime) => {
  const found = await sniffMime(text(content), true);
  expect(found).toBe(mime);
  expect(mayBeShown(found)).toBe(false);
  expect(servedMime(found)).toBe('application/octet-stream');
});

test('a page in UTF-16 is a page', async () => {
  const little = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<script>alert(1)</script>', 'utf16le')]);
  const big = Buffer.from(little).swap16();
  expect(await sniffMime(little, true)).toBe('text/html');
  expect(await sniffMime(big, true)).toBe('text/html');
});

test('text that is cut within a character is still text', async () => {
  expect(await sniffMime(Buffer.concat([text('a'.repeat(10)), Buffer.from([0xc3])]), false)).toBe(plainText);
  expect(await sniffMime(Buffer.concat([text('a'.repeat(10)), Buffer.from([0xc3])]), true)).toBe(
    'application/octet-stream',
  );
});

test('a name that promises a picture, a document or an archive must keep it', () => {
  expect(nameLies('x.png', 'text/html')).toBe(true);
  expect(nameLies('x.PNG', 'image/svg+xml')).toBe(true);
  expect(nameLies('x.png', plainText)).toBe(true);
  expect(nameLies('x.jpg', 'image/png')).toBe(false);
  expect(nameLies('x.pdf', 'text/html')).toBe(true);
  expect(nameLies('x.zip', 'text/html')).toBe(true);
  expect(nameLies('x.svg', 'image/svg+xml')).toBe(false);
  expect(nameLies('README.md', 'text/html')).toBe(false);
  expect(nameLies('x', 'text/html')).toBe(false);
});

test('only pictures, sound, film and plain text are shown in place', () => {
  expect(['image/png', 'image/webp', 'audio/mpeg', 'video/mp4', plainText].every(mayBeShown)).toBe(true);
  expect(['application/pdf', 'image/svg+xml', 'text/html', 'text/plain', 'application/zip'].some(mayBeShown)).toBe(
    false,
  );
});

test('names lose folders, control and direction characters, and stay short', () => {
  expect(safeFileName('../../etc/passwd')).toBe('passwd');
  expect(safeFileName('C:\\temp\\report.pdf')).toBe('report.pdf');
  expect(safeFileName('gpj.\u202eexe\u0000.png')).toBe('gpj.exe.png');
  expect(safeFileName('a"b<c>\r\n.txt')).toBe('a_b_c_.txt');
  expect(safeFileName('...')).toBe('file');
  expect(safeFileName(null)).toBe('file');
  const long = safeFileName(`${'é'.repeat(300)}.pdf`);
  expect([...long]).toHaveLength(200);
  expect(long.endsWith('.pdf')).toBe(true);
});
