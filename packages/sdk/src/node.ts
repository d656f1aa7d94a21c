/** What needs Node: the redirect to this machine, the browser, and tokens in a file. */
export { fileStore } from './node/file-store.ts';
export { type LoopbackOptions, loopbackRedirect } from './node/loopback-redirect.ts';
export { openBrowser } from './node/open-browser.ts';
