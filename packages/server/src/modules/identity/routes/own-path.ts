/** Only paths of this origin: a link may not send somebody who just signed in to another site. */
export const ownPath = (next: string | null | undefined): string | null =>
  next != null && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next) && next.length <= 2000 ? next : null;
