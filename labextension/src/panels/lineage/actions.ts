import type { ISubject } from './explorer';

/** What the views of lineage let a user do; each is a command. */
export interface ILineageActions {
  show: (subject: ISubject | null) => void;
  openGraph: (subject: ISubject) => void;
  openRun: (run: string) => void;
  goToCell: (notebook: string | null, cell: string) => void;
  openModel: (model: string) => void;
  openEndpoint: (endpoint: string) => void;
  download: (artifact: string) => void;
  exportAs: (format: 'svg' | 'png' | 'json') => void;
  copyLink: (subject: string) => void;
  connect: () => void;
}
