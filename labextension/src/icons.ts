import { LabIcon } from '@jupyterlab/ui-components';

// Strokes and fills take the text colour of where they stand, so that CSS decides about themes and states.

/** A pipeline of three steps: our mark in the side bar, menus and the toolbar. */
export const platformIcon = new LabIcon({
  name: 'mlplat:platform',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <circle cx="12" cy="4.5" r="3"/><circle cx="5.5" cy="18.5" r="3"/><circle cx="18.5" cy="18.5" r="3"/>
    <path d="M11.2 6.8h1.6v3.4h-1.6zM11.2 9.6c0 2-4.9 2.2-5.9 5.4l1.5.6c.8-2.4 4.2-2.6 5.2-4.3 1 1.7 4.4 1.9 5.2 4.3l1.5-.6c-1-3.2-5.9-3.4-5.9-5.4z"/>
  </g>
</svg>`
});

export const pipelineIcon = icon(
  'pipeline',
  '<rect x="5" y="1.75" width="6" height="4" rx="1.2"/><rect x="1.25" y="10.25" width="5.5" height="4" rx="1.2"/><rect x="9.25" y="10.25" width="5.5" height="4" rx="1.2"/><path d="M8 5.75v2.1M4 10.25c0-2 4-.7 4-2.4M12 10.25c0-2-4-.7-4-2.4"/>'
);

export const runsIcon = icon(
  'runs',
  '<path d="M2 3.5h1.5M2 8h1.5M2 12.5h1.5M6 3.5h8M6 8h8M6 12.5h5"/>'
);

export const playIcon = icon(
  'play',
  '<path d="M4.5 2.7v10.6L13 8z" fill="currentColor" stroke-linejoin="round"/>'
);

export const verifyIcon = icon(
  'verify',
  '<path d="M8 1.5l5.5 2v4.2c0 3.2-2.3 5.6-5.5 6.8-3.2-1.2-5.5-3.6-5.5-6.8V3.5z"/><path d="M5.5 8l1.8 1.8L10.7 6.3"/>'
);

export const retryIcon = icon(
  'retry',
  '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 1.8v3.2H9.8"/>'
);

export const stopIcon = icon(
  'stop',
  '<rect x="3.5" y="3.5" width="9" height="9" rx="1.5" fill="currentColor"/>'
);

export const trashIcon = icon(
  'trash',
  '<path d="M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.7 6.8v4M9.3 6.8v4"/>'
);

export const archiveIcon = icon(
  'archive',
  '<path d="M2.2 3h11.6v3H2.2zM3.2 6v7h9.6V6M6.3 8.7h3.4"/>'
);

export const backIcon = icon('back', '<path d="M9.5 3.5L5 8l4.5 4.5"/>');

export const jumpIcon = icon(
  'jump',
  '<path d="M6 3H3v10h10v-3M9 2.8h4.2V7M13 3L7.5 8.5"/>'
);

export const settingsIcon = icon(
  'settings',
  '<path d="M2 4.5h6.5M12 4.5h2M2 11.5h2M7.5 11.5H14"/><circle cx="10.2" cy="4.5" r="1.7"/><circle cx="5.7" cy="11.5" r="1.7"/>'
);

export const closeIcon = icon('close', '<path d="M4 4l8 8M12 4l-8 8"/>');

export const searchIcon = icon(
  'search',
  '<circle cx="7" cy="7" r="4.3"/><path d="M10.2 10.2L14 14"/>'
);

export const chooseIcon = icon(
  'choose',
  '<rect x="2" y="2.5" width="4.5" height="4.5" rx="1"/><path d="M3 4.8l1 1 1.6-2M9.5 4.8h4.5M9.5 11.2h4.5"/><rect x="2" y="9" width="4.5" height="4.5" rx="1"/>'
);

export const compareIcon = icon(
  'compare',
  '<rect x="2" y="3" width="5" height="10" rx="1"/><rect x="9" y="3" width="5" height="10" rx="1"/><path d="M4 6h1M11 6h1M4 8.5h1M11 8.5h1"/>'
);

export const sortIcon = icon(
  'sort',
  '<path d="M8 3v10M4.5 9.5L8 13l3.5-3.5"/>'
);

export const cloneIcon = icon(
  'clone',
  '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M3.5 10.5h-1v-8h8v1"/>'
);

export const linkIcon = icon(
  'link',
  '<path d="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.2-2.2A2.6 2.6 0 0 0 9 3.3l-.9.9M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.3 9A2.6 2.6 0 0 0 7 12.7l.9-.9"/>'
);

export const chevronIcon = icon('chevron', '<path d="M6 4l4 4-4 4"/>');

export const warningIcon = icon(
  'warning',
  '<path d="M8 2l6.5 11.5h-13z" stroke-linejoin="round"/><path d="M8 6.5v3.2M8 11.5v.3"/>'
);

export const infoIcon = icon(
  'info',
  '<circle cx="8" cy="8" r="6"/><path d="M8 7.3v3.7M8 4.9v.3"/>'
);

export const endpointsIcon = icon(
  'endpoints',
  '<circle cx="8" cy="8" r="2"/><path d="M4.6 11.4a4.8 4.8 0 0 1 0-6.8M11.4 4.6a4.8 4.8 0 0 1 0 6.8M2.5 13.5a7.8 7.8 0 0 1 0-11M13.5 2.5a7.8 7.8 0 0 1 0 11"/>'
);

export const deployIcon = icon(
  'deploy',
  '<path d="M8 10.5V2.5M4.8 5.5L8 2.3l3.2 3.2M2.5 10v3.5h11V10"/>'
);

export const copyIcon = icon(
  'copy',
  '<rect x="5.5" y="5.5" width="8" height="8" rx="1.3"/><path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>'
);
export const moreIcon = icon('more', '<path d="M4 6l4 4 4-4"/>');

export const expandIcon = icon(
  'expand',
  '<path d="M9.5 2.5h4v4M13.5 2.5L9 7M6.5 13.5h-4v-4M2.5 13.5L7 9"/>'
);

/** One icon for what becomes of a step in the next run. */
export const outlookIcons = {
  changed: icon(
    'changed',
    '<path d="M10.5 2.8l2.7 2.7L6 12.7l-3.4.7.7-3.4z"/>'
  ),
  run: icon('will-run', '<path d="M5 3.2v9.6L12.5 8z"/>'),
  unknown: icon(
    'may-run',
    '<path d="M5.6 6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.8M8 12.6v.2"/>'
  ),
  cached: icon('will-reuse', '<path d="M9 1.8L3.8 9H7.5L7 14.2 12.2 7H8.5z"/>'),
  skip: icon('left-out', '<path d="M4 8h8"/>')
};

export const promoteIcon = icon(
  'promote',
  '<path d="M8 13.5V7M4.5 9.8L8 6.3l3.5 3.5M3 2.8h10"/>'
);

export const rollBackIcon = icon(
  'roll-back',
  '<path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M5.8 3.5l-3 3 3 3"/>'
);

export const modelsIcon = icon(
  'models',
  '<path d="M8 1.8l5.5 3.1v6.2L8 14.2l-5.5-3.1V4.9z"/><path d="M2.7 5L8 8l5.3-3M8 8v6"/>'
);

export const aliasIcon = icon(
  'alias',
  '<path d="M2.2 2.2h5.3l6.3 6.3-5.3 5.3-6.3-6.3z"/><circle cx="5.3" cy="5.3" r="1" fill="currentColor" stroke="none"/>'
);

export const schedulesIcon = icon(
  'schedules',
  '<circle cx="8" cy="8.5" r="5.75"/><path d="M8 5.2v3.6l2.4 1.4M3.2 1.8L1.6 3.4M12.8 1.8l1.6 1.6"/>'
);

/** A curve that falls: what is learned. */
export const trainingIcon = icon(
  'training',
  '<path d="M2 2.2v11.6h12"/><path d="M4.2 3.8c.9 5.2 3.2 7 9.3 7.3"/>'
);

/** Sliders: what is tried with other settings. */
export const tuningIcon = icon(
  'tuning',
  '<path d="M3.5 2v5.2M3.5 10.8V14M8 2v2.2M8 7.8V14M12.5 2v7.2M12.5 12.8V14"/><circle cx="3.5" cy="9" r="1.7"/><circle cx="8" cy="6" r="1.7"/><circle cx="12.5" cy="11" r="1.7"/>'
);

export const pauseIcon = icon('pause', '<path d="M5.5 3.5v9M10.5 3.5v9"/>');

export const backfillIcon = icon(
  'backfill',
  '<path d="M3 8a5 5 0 1 0 1.5-3.6M3 1.8v3.2h3.2"/><path d="M8 5.5V8l1.8 1.2"/>'
);

export const plusIcon = icon('plus', '<path d="M8 3v10M3 8h10"/>');

export const dotsIcon = icon(
  'dots',
  '<g fill="currentColor" stroke="none"><circle cx="3.2" cy="8" r="1.3"/><circle cx="8" cy="8" r="1.3"/><circle cx="12.8" cy="8" r="1.3"/></g>'
);

export const editIcon = icon(
  'edit',
  '<path d="M10.8 2.6l2.6 2.6L6 12.6l-3.3.7.7-3.3zM9.2 4.2l2.6 2.6"/>'
);

export const undoIcon = icon(
  'undo',
  '<path d="M5.5 2.8L2.5 5.8l3 3M2.8 5.8h6.4a3.7 3.7 0 0 1 0 7.4H5.5"/>'
);

export const downloadIcon = icon(
  'download',
  '<path d="M8 2.3v8.2M4.8 7.5L8 10.7l3.2-3.2M2.5 10v3.5h11V10"/>'
);

/** A star: the best of what is compared. */
export const bestIcon = icon(
  'best',
  '<path d="M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.4l-3.9 2.2.9-4.3-3.2-3 4.3-.5z" fill="currentColor" stroke="none"/>'
);

export const lineageIcon = icon(
  'lineage',
  '<circle cx="3.5" cy="3.5" r="1.9"/><circle cx="3.5" cy="12.5" r="1.9"/><circle cx="12.5" cy="8" r="1.9"/><path d="M5.4 3.8c3 .3 2.6 3.6 5.2 4M5.4 12.2c3-.3 2.6-3.6 5.2-4"/>'
);

export const stepIcon = icon(
  'step',
  '<circle cx="8" cy="8" r="6"/><path d="M6.6 5.4v5.2L10.8 8z" fill="currentColor"/>'
);

export const dataIcon = icon(
  'data',
  '<rect x="2" y="3" width="12" height="10" rx="1.5"/><path d="M2 6.5h12M6.5 6.5V13M10.3 6.5V13"/>'
);

export const fileIcon = icon(
  'file',
  '<path d="M4 1.8h5L12.5 5.3v8.9H4zM9 1.8v3.5h3.5"/>'
);

export const turnIcon = icon(
  'turn',
  '<rect x="2" y="2" width="4.5" height="4.5" rx="1"/><rect x="9.5" y="9.5" width="4.5" height="4.5" rx="1"/><path d="M9 4.2h1.5a1.8 1.8 0 0 1 1.8 1.8v1M10.6 5.6l1.7 1.7L14 5.6M4.2 9v1.3a1.8 1.8 0 0 0 1.8 1.8h1"/>'
);

export const refreshIcon = icon(
  'refresh',
  '<path d="M13 7A5.2 5.2 0 0 0 3.6 5M3 9a5.2 5.2 0 0 0 9.4 2M3.3 2.2V5H6M12.7 13.8V11H10"/>'
);

export const wrapIcon = icon(
  'wrap',
  '<path d="M2 4h12M2 8h9.5a2.2 2.2 0 0 1 0 4.4H8.5M10 10.6L8.2 12.4 10 14.2M2 12.4h3.5"/>'
);

export const followIcon = icon(
  'follow',
  '<path d="M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11"/>'
);

export const machineIcon = icon(
  'machine',
  '<rect x="4" y="4" width="8" height="8" rx="1.2"/><rect x="6.4" y="6.4" width="3.2" height="3.2" rx=".6"/><path d="M6 1.8v2M10 1.8v2M6 12.2v2M10 12.2v2M1.8 6h2M1.8 10h2M12.2 6h2M12.2 10h2"/>'
);

/** Two machines of a rack, one above the other. */
export const serversIcon = icon(
  'servers',
  '<rect x="2" y="2.4" width="12" height="4.9" rx="1.2"/><rect x="2" y="8.7" width="12" height="4.9" rx="1.2"/><path d="M4.6 4.85h.1M4.6 11.15h.1M8.6 4.85h2.8M8.6 11.15h2.8"/>'
);

/** A sun that rises: what slept is woken. */
export const wakeIcon = icon(
  'wake',
  '<path d="M1.8 12.6h12.4M4.6 12.6a3.4 3.4 0 0 1 6.8 0M8 2.6v3M2.9 6.3l1.7 1.7M13.1 6.3l-1.7 1.7"/>'
);

export const kernelIcon = icon(
  'kernel',
  '<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.5"/><path d="M4.5 6l2.2 2-2.2 2M8.2 10.3h3.3"/>'
);

/** One icon a state: shape tells it as well as colour. */
export const stateIcons = {
  PENDING: icon(
    'pending',
    '<circle cx="8" cy="8" r="5.5" stroke-dasharray="2.2 2.12"/>'
  ),
  QUEUED: icon(
    'queued',
    '<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.2l2 1.3"/>'
  ),
  RUNNING: icon(
    'running',
    '<circle cx="8" cy="8" r="5.5" opacity=".25"/><path class="jp-mlplat-spin" d="M8 2.5A5.5 5.5 0 0 1 13.5 8"/>'
  ),
  SUCCEEDED: icon(
    'succeeded',
    '<circle cx="8" cy="8" r="6.2" fill="currentColor" stroke="none"/><path class="jp-mlplat-cut" d="M5.2 8.2l2 2 3.7-4.1"/>'
  ),
  CACHED: icon(
    'cached',
    '<path d="M9 1.8L3.8 9H7.5L7 14.2 12.2 7H8.5z" fill="currentColor" stroke-linejoin="round"/>'
  ),
  FAILED: icon(
    'failed',
    '<circle cx="8" cy="8" r="6.2" fill="currentColor" stroke="none"/><path class="jp-mlplat-cut" d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4"/>'
  ),
  SKIPPED: icon(
    'skipped',
    '<circle cx="8" cy="8" r="5.5"/><path d="M5.5 8h5"/>'
  ),
  CANCELING: icon(
    'canceling',
    '<circle cx="8" cy="8" r="5.5"/><rect x="6" y="6" width="4" height="4" fill="currentColor"/>'
  ),
  CANCELED: icon(
    'canceled',
    '<circle cx="8" cy="8" r="5.5"/><path d="M4.2 11.8l7.6-7.6"/>'
  ),
  PAUSED: icon(
    'paused',
    '<circle cx="8" cy="8" r="5.5"/><path d="M6.5 5.8v4.4M9.5 5.8v4.4"/>'
  )
};

function icon(name: string, body: string): LabIcon {
  return new LabIcon({
    name: `mlplat:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16"><g fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round">${body}</g></svg>`
  });
}
