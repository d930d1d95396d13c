import { marksPlugin } from './plugins/marks';
import { panelPlugin } from './plugins/panel';
import { pipelinePlugin } from './plugins/pipeline';
import { platformPlugin } from './plugins/platform';
import { runsPlugin } from './plugins/runs';
import { statusPlugin } from './plugins/status';

export type { ISection } from './panels/section';
export { IMlPlatform, IMlPlatformPanel } from './tokens';

export default [
  platformPlugin,
  panelPlugin,
  pipelinePlugin,
  runsPlugin,
  marksPlugin,
  statusPlugin
];
