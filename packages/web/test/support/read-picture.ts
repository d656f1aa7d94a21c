import jsQR from 'jsqr';
import type { Page } from 'playwright-core';

/** Node gives the module of a CommonJS package as its default. */
const decode = (jsQR as unknown as { default?: typeof jsQR }).default ?? jsQR;

interface Pixels {
  width: number;
  height: number;
  /** RGBA as base64. */
  data: string;
}

/** What a camera reads in a picture that a page shows. The pixels are unpacked by a page of another browser. */
export const readPicture = async (png: Buffer, page: Page): Promise<string | null> => {
  const unpack = async (base64: string): Promise<Pixels> => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let text = '';
    for (const byte of data) text += String.fromCharCode(byte);
    return { width: bitmap.width, height: bitmap.height, data: btoa(text) };
  };
  const { width, height, data } = await page.evaluate(unpack, png.toString('base64'));
  const pixels = new Uint8ClampedArray(Buffer.from(data, 'base64'));
  return decode(pixels, width, height)?.data ?? null;
};
