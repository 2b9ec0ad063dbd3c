const stroke = {
  fill: "none",
  stroke: "currentColor",
  "stroke-width": 2,
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
} as const;

const icon = (path: string) => () => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" {...stroke}>
    <path d={path} />
  </svg>
);

export const PowerIcon = icon("M12 3v8M7.2 6.6a8 8 0 1 0 9.6 0");
export const BackIcon = icon("M15 5l-7 7 7 7");
export const PlusIcon = icon("M12 5v14M5 12h14");
export const GearIcon = icon("M4 7h9M17 7h3M4 17h3M11 17h9M15 4.6v4.8M9 14.6v4.8");
export const PersonIcon = icon(
  "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
);
export const ChevronIcon = icon("M6 9l6 6 6-6");
export const CameraIcon = icon("M4 8V5h3M17 5h3v3M20 16v3h-3M7 19H4v-3M8 12h8");
export const BlinkIcon = icon(
  "M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
);

/** The lamp of the brand, lit by `--glow`. */
export const Lantern = ({ size }: { readonly size: number }) => (
  <svg class="lantern" width={size} height={size * 1.3} viewBox="0 0 40 52" aria-hidden="true">
    <path class="lantern-iron" d="M20 2v6" />
    <path class="lantern-roof" d="M20 7L5 17.5h30z" />
    <path class="lantern-glass" d="M9.5 20h21l-3 21h-15z" />
    <path class="lantern-bars" d="M17 20l.8 21M23 20l-.8 21" />
    <path class="lantern-roof" d="M9 43.5h22v4a2 2 0 0 1-2 2H11a2 2 0 0 1-2-2z" />
  </svg>
);
