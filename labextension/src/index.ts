import { artifactsPlugin } from './plugins/artifacts';
import { comparePlugin } from './plugins/compare';
import { endpointsPlugin } from './plugins/endpoints';
import { filesPlugin } from './plugins/files';
import { graphPlugin } from './plugins/graph';
import { jobsPlugin } from './plugins/jobs';
import { lineagePlugin } from './plugins/lineage';
import { machinePlugin } from './plugins/machine';
import { marksPlugin } from './plugins/marks';
import { modelsPlugin } from './plugins/models';
import { noticesPlugin } from './plugins/notices';
import { outputsPlugin } from './plugins/outputs';
import { panelPlugin } from './plugins/panel';
import { pipelinePlugin } from './plugins/pipeline';
import { platformPlugin } from './plugins/platform';
import { runListPlugin } from './plugins/run-list';
import { runDetailPlugin } from './plugins/run-detail';
import { runsPlugin } from './plugins/runs';
import { schedulesPlugin } from './plugins/schedules';
import { serversPlugin } from './plugins/servers';
import { statusPlugin } from './plugins/status';
import { timed } from './plugins/timed';
import { tourPlugin } from './plugins/tour';
import { viewsPlugin } from './plugins/views';

export type { ISection } from './panels/section';
export type { IMainView, IMainViews } from './views/view';
export { IMlPlatform, IMlPlatformPanel, IMlPlatformViews } from './tokens';

export default [
  platformPlugin,
  panelPlugin,
  viewsPlugin,
  pipelinePlugin,
  graphPlugin,
  runsPlugin,
  runListPlugin,
  comparePlugin,
  jobsPlugin,
  machinePlugin,
  modelsPlugin,
  runDetailPlugin,
  endpointsPlugin,
  lineagePlugin,
  schedulesPlugin,
  serversPlugin,
  marksPlugin,
  outputsPlugin,
  filesPlugin,
  artifactsPlugin,
  noticesPlugin,
  tourPlugin,
  statusPlugin
].map(timed);
