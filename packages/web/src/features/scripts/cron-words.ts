const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const isNumber = (text: string): boolean => /^\d+$/.test(text);
const clock = (hour: string, minute: string): string => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;

/** A cron line as people say it; the line itself where that would be longer than it. */
export const cronWords = (cron: string): string => {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.trim().split(/\s+/);
  const everyDay = day === '*' && month === '*' && weekday === '*';
  if (everyDay && hour === '*') {
    if (minute === '*') return 'Every minute';
    const step = /^\*\/(\d+)$/.exec(minute)?.[1];
    if (step !== undefined) return `Every ${step} minutes`;
    if (isNumber(minute)) return minute === '0' ? 'Every full hour' : `Every hour at minute ${minute}`;
  }
  const hours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (everyDay && hours !== undefined && isNumber(minute)) return `Every ${hours} hours at minute ${minute}`;
  if (month !== '*' || !isNumber(minute) || !/^\d+(,\d+)*$/.test(hour)) return cron;
  const at = hour
    .split(',')
    .map((one) => clock(one, minute))
    .join(', ');
  if (everyDay) return `Every day at ${at}`;
  if (day === '*' && weekday === '1-5') return `Monday to Friday at ${at}`;
  if (day === '*' && isNumber(weekday)) return `Every ${days[Number(weekday) % 7]} at ${at}`;
  if (weekday === '*' && isNumber(day)) return `On day ${day} of the month at ${at}`;
  return cron;
};
