/** Every action of the platform. Arguments are described where the command is added. */
export namespace CommandIDs {
  export const open = 'mlplat:open';
  export const connect = 'mlplat:connect';
  export const openView = 'mlplat:open-view';
  export const openLink = 'mlplat:open-link';

  export const run = 'mlplat:run';
  export const runFrom = 'mlplat:run-from';
  export const runOnly = 'mlplat:run-only';
  export const runWithoutCache = 'mlplat:run-without-cache';
  export const renameStep = 'mlplat:rename-step';
  export const mergeSteps = 'mlplat:merge-steps';
  export const splitStep = 'mlplat:split-step';
  export const openGraph = 'mlplat:open-graph';
  export const compileToFile = 'mlplat:compile-to-file';
  export const verify = 'mlplat:verify';
  export const selectStep = 'mlplat:select-step';
  export const setStep = 'mlplat:set-step';
  export const editStep = 'mlplat:edit-step';
  export const goToCell = 'mlplat:go-to-cell';
  export const goToFailure = 'mlplat:go-to-failure';
  export const retryNotebook = 'mlplat:retry';

  export const tour = 'mlplat:tour';
  export const runFile = 'mlplat:run-file';
  export const newFromExample = 'mlplat:new-from-example';

  export const openRun = 'mlplat:open-run';
  export const showStep = 'mlplat:show-step';
  export const cancelRun = 'mlplat:cancel-run';
  export const pauseRun = 'mlplat:pause-run';
  export const resumeRun = 'mlplat:resume-run';
  export const retryRun = 'mlplat:retry-run';
  export const deleteRun = 'mlplat:delete-run';
  export const openRunTab = 'mlplat:open-run-tab';
  export const downloadLog = 'mlplat:download-log';
  export const restoreState = 'mlplat:restore-state';
  export const archiveRuns = 'mlplat:archive-runs';
  export const deleteRuns = 'mlplat:delete-runs';
  export const updateRun = 'mlplat:update-run';
  export const cloneRun = 'mlplat:clone-run';
  export const copyRunLink = 'mlplat:copy-run-link';
  export const filterRuns = 'mlplat:filter-runs';
  export const chooseRuns = 'mlplat:choose-runs';
  export const compareRuns = 'mlplat:compare-runs';

  export const showMachine = 'mlplat:show-machine';
  export const releaseLease = 'mlplat:release-lease';

  export const openModel = 'mlplat:open-model';
  export const registerModel = 'mlplat:register-model';
  export const describeModel = 'mlplat:describe-model';
  export const setAlias = 'mlplat:set-alias';
  export const removeAlias = 'mlplat:remove-alias';
  export const undoAlias = 'mlplat:undo-alias';
  export const downloadModel = 'mlplat:download-model';
  export const copyModelLink = 'mlplat:copy-model-link';
  export const deleteModelVersion = 'mlplat:delete-model-version';
  export const deleteModel = 'mlplat:delete-model';

  export const openExecuted = 'mlplat:open-executed';
  export const newSchedule = 'mlplat:new-schedule';
  export const openSchedule = 'mlplat:open-schedule';
  export const editSchedule = 'mlplat:edit-schedule';
  export const runSchedule = 'mlplat:run-schedule';
  export const pauseSchedule = 'mlplat:pause-schedule';
  export const resumeSchedule = 'mlplat:resume-schedule';
  export const backfillSchedule = 'mlplat:backfill-schedule';
  export const deleteSchedule = 'mlplat:delete-schedule';

  export const newTraining = 'mlplat:new-training';
  export const openTraining = 'mlplat:open-training';
  export const newTuning = 'mlplat:new-tuning';
  export const openTuning = 'mlplat:open-tuning';
  export const pauseJob = 'mlplat:pause-job';
  export const resumeJob = 'mlplat:resume-job';
  export const stopJob = 'mlplat:stop-job';
  export const retryJob = 'mlplat:retry-job';
  export const copyJobLink = 'mlplat:copy-job-link';
  export const showTrial = 'mlplat:show-trial';
  export const stopTrial = 'mlplat:stop-trial';
  export const registerTrial = 'mlplat:register-trial';
  export const rerunTrial = 'mlplat:rerun-trial';

  export const openEndpoint = 'mlplat:open-endpoint';
  export const deployModel = 'mlplat:deploy-model';
  export const setTraffic = 'mlplat:set-traffic';
  export const undoTraffic = 'mlplat:undo-traffic';
  export const promoteEndpoint = 'mlplat:promote-endpoint';
  export const rollBackEndpoint = 'mlplat:roll-back-endpoint';
  export const stopEndpoint = 'mlplat:stop-endpoint';
  export const startEndpoint = 'mlplat:start-endpoint';
  export const deleteEndpoint = 'mlplat:delete-endpoint';
  export const showEndpointLog = 'mlplat:show-endpoint-log';
  export const copyEndpointUrl = 'mlplat:copy-endpoint-url';

  export const newServer = 'mlplat:new-server';
  export const openServer = 'mlplat:open-server';
  export const enterServer = 'mlplat:enter-server';
  export const startServer = 'mlplat:start-server';
  export const stopServer = 'mlplat:stop-server';
  export const deleteServer = 'mlplat:delete-server';
  export const showServerLog = 'mlplat:show-server-log';

  export const showLineage = 'mlplat:show-lineage';
  export const openLineageGraph = 'mlplat:open-lineage-graph';
  export const whereUsed = 'mlplat:where-used';
  export const traceLineage = 'mlplat:trace-lineage';
  export const exportLineage = 'mlplat:export-lineage';
  export const copyLineageLink = 'mlplat:copy-lineage-link';
  export const downloadArtifact = 'mlplat:download-artifact';
}
