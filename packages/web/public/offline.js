document.getElementById('again').addEventListener('click', () => location.reload());
addEventListener('online', () => location.reload());
caches
  .open('atrium-shell')
  .then((cache) => cache.match('/last-seen'))
  .then((answer) => answer?.text())
  .then((text) => {
    if (!text) return;
    const line = document.getElementById('seen');
    line.textContent = `Last connected ${new Date(Number(text)).toLocaleString()}.`;
    line.hidden = false;
  });
