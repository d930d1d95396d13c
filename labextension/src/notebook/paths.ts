import { PathExt } from '@jupyterlab/coreutils';

/** The two names of a file: below the Jupyter server's root, and on the machine. */
export class ServerPaths {
  /**
   * @param root - Absolute path of the folder that the Jupyter server serves.
   * @param localPath - Strips a drive such as `RTC:` from a path.
   */
  constructor(
    readonly root: string,
    private readonly _localPath: (path: string) => string
  ) {}

  absolute(path: string): string {
    return `${this.root.replace(/\/+$/, '')}/${this._localPath(path)}`;
  }

  /** The path below the root; null for a file outside of it. */
  relative(absolute: string): string | null {
    const prefix = `${this.root.replace(/\/+$/, '')}/`;
    return absolute.startsWith(prefix) ? absolute.slice(prefix.length) : null;
  }

  /** The absolute path of a file that is named either way, without detours such as `./`. */
  resolve(path: string): string {
    const absolute = path.startsWith('/') ? path : this.absolute(path);
    return `/${PathExt.normalize(absolute).replace(/^\/+/, '')}`;
  }
}
