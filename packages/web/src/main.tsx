import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { startServiceWorker } from './app/service-worker.ts';
import { startTheme } from './ui/theme.ts';
import './ui/styles.css';

startTheme();
// After a release the parts that this page has yet to load are gone under their old names.
addEventListener('vite:preloadError', (event) => {
  event.preventDefault();
  location.reload();
});
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
startServiceWorker();
