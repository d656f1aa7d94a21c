/** The court in one-point perspective: four walls, an open roof, light on the floor. Flat planes of the theme's own colours. */
export const CourtScene = () => (
  <svg
    viewBox="0 0 800 900"
    preserveAspectRatio="xMidYMid slice"
    className="absolute inset-0 size-full"
    role="presentation"
  >
    <path d="M0 0h800v900H0z" className="fill-bg" />
    {/* ceiling with its opening */}
    <path d="M0 0h800L560 250H240z" style={{ fill: 'color-mix(in oklab, var(--text) 7%, var(--bg))' }} />
    <path d="M262 92h276l-42 98H304z" className="fill-accent" />
    {/* side walls, far wall */}
    <path d="M0 0l240 250v380L0 900z" style={{ fill: 'color-mix(in oklab, var(--text) 4%, var(--bg))' }} />
    <path d="M800 0L560 250v380l240 270z" style={{ fill: 'color-mix(in oklab, var(--accent) 7%, var(--bg))' }} />
    <path d="M240 250h320v380H240z" style={{ fill: 'color-mix(in oklab, var(--accent) 5%, var(--raised))' }} />
    {/* the doorway in the far wall */}
    <path d="M366 630V458a34 34 0 0 1 68 0v172z" style={{ fill: 'color-mix(in oklab, var(--text) 15%, var(--bg))' }} />
    {/* openings of the galleries */}
    {[
      'M40 172l48 44v148l-48-20z',
      'M124 249l38 35v120l-38-16z',
      'M190 309l28 26v100l-28-11z',
      'M40 470l48 4v206l-48 50z',
      'M124 478l38 3v138l-38 40z',
      'M190 484l28 2v94l-28 29z',
    ].map((path) => (
      <path key={path} d={path} style={{ fill: 'color-mix(in oklab, var(--text) 10%, var(--bg))' }} />
    ))}
    {[
      'M760 172l-48 44v148l48-20z',
      'M676 249l-38 35v120l38-16z',
      'M610 309l-28 26v100l28-11z',
      'M760 470l-48 4v206l48 50z',
      'M676 478l-38 3v138l38 40z',
      'M610 484l-28 2v94l28 29z',
    ].map((path) => (
      <path key={path} d={path} style={{ fill: 'color-mix(in oklab, var(--accent) 22%, var(--bg))' }} />
    ))}
    {/* floor and the light on it */}
    <path d="M240 630h320l240 270H0z" style={{ fill: 'color-mix(in oklab, var(--text) 5.5%, var(--bg))' }} />
    <path d="M300 668h216l96 156H222z" style={{ fill: 'color-mix(in oklab, var(--accent) 48%, var(--bg))' }} />
    {/* the shaft */}
    <path d="M262 92h276l74 732H222z" style={{ fill: 'color-mix(in oklab, var(--accent) 13%, transparent)' }} />
  </svg>
);
