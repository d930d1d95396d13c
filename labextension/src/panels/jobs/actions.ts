/** What the views of jobs let a user do; each is a command. */
export interface IJobsActions {
  /** Show a job; null goes back to the list. */
  open: (run: string | null) => void;
  openTab: (run: string) => void;
  create: () => void;
  pause: (run: string) => void;
  resume: (run: string) => void;
  stop: (run: string) => void;
  retry: (run: string) => void;

  /** Show it among all runs, with its steps, outputs and values. */
  openRun: (run: string) => void;
  copyLink: (run: string) => void;
  connect: () => void;
}
