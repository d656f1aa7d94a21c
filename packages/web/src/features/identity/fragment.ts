import { useState } from 'react';

/** Members of the address's fragment: what must not reach a server travels there. Read once, then taken out of the address. */
export const useFragment = (): URLSearchParams => {
  const [members] = useState(() => {
    const found = new URLSearchParams(location.hash.slice(1));
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname + location.search);
    return found;
  });
  return members;
};
