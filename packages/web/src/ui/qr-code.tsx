import qrcode from 'qrcode-generator';
import { cx } from './class-names.ts';

/** A text as a QR code: dark on light in every theme, since cameras want it so. */
export const QrCode = ({ text, label, className = 'size-44' }: { text: string; label: string; className?: string }) => {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const quiet = 3;
  const rows = Array.from({ length: size }, (_, row) => row);
  const path = rows
    .flatMap((row) =>
      rows.filter((column) => code.isDark(row, column)).map((column) => `M${column + quiet} ${row + quiet}h1v1h-1z`),
    )
    .join('');
  const side = size + 2 * quiet;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${side} ${side}`}
      shapeRendering="crispEdges"
      className={cx('shrink-0 rounded-control border border-line', className)}
    >
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
};
