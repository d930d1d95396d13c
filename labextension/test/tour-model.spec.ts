import { Signal } from '@lumino/signaling';

import type { Run } from '../src/api/types';
import { TourModel } from '../src/panels/tour/model';
import type { ITourState, ITourSubject } from '../src/panels/tour/model';
import { pipeline, run, step, TIME } from './platform';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A user in front of the panel. */
class User {
  readonly subject = {
    pipeline: {
      changed: new Signal<unknown, void>(this),
      notebook: null,
      pipeline: null,
      selection: null,
      run: null
    } as Writable<ITourSubject['pipeline']>,
    runs: {
      changed: new Signal<unknown, void>(this),
      detail: null
    } as Writable<ITourSubject['runs']>,
    panel: {
      changed: new Signal<unknown, void>(this),
      current: { id: 'pipeline' },
      sections: [{ id: 'pipeline' }, { id: 'runs' }]
    } as Writable<ITourSubject['panel']>
  };

  saved: Partial<ITourState> | null = null;

  tour(): TourModel {
    return new TourModel(this.subject, {
      load: async () => this.saved,
      save: state => {
        this.saved = state;
      }
    });
  }

  opensNotebook(): void {
    this.subject.pipeline.pipeline = pipeline([step('load')]);
    this._emit('pipeline');
  }

  selects(): void {
    this.subject.pipeline.selection = { kind: 'step', name: 'load' };
    this._emit('pipeline');
  }

  runs(state: Run['state'], at: string | null = null): void {
    this.subject.pipeline.run = { run: run({ state, finished_at: at }) };
    this._emit('pipeline');
  }

  looksAt(name: string): void {
    this.subject.runs.detail = { step: name };
    this._emit('runs');
  }

  goesTo(section: string): void {
    this.subject.panel.current = { id: section };
    this._emit('panel');
  }

  private _emit(part: keyof ITourSubject): void {
    (this.subject[part].changed as Signal<unknown, void>).emit();
  }
}

describe('TourModel', () => {
  it('goes on as the user does what each step is about', () => {
    const user = new User();
    user.subject.panel.sections = [{ id: 'pipeline' }, { id: 'lineage' }];
    const tour = user.tour();
    tour.start();
    const seen = [tour.step];

    for (const act of [
      () => user.opensNotebook(),
      () => user.selects(),
      () => user.runs('SUCCEEDED', TIME),
      () => user.looksAt('load'),
      () => user.goesTo('lineage')
    ]) {
      act();
      seen.push(tour.step);
    }

    expect(seen).toEqual(['open', 'steps', 'run', 'outputs', 'lineage', null]);
    expect(tour.isShown).toBe(true);
  });

  it('leaves out sections that are not there', () => {
    expect(new User().tour().steps).toEqual([
      'open',
      'steps',
      'run',
      'outputs'
    ]);
  });

  it('does not count a run from before', () => {
    const user = new User();
    user.opensNotebook();
    user.runs('SUCCEEDED', TIME);
    const tour = user.tour();
    tour.start();
    user.selects();
    expect(tour.step).toBe('run');

    user.runs('RUNNING');
    user.runs('FAILED', '2026-11-20T12:30:00Z');
    expect(tour.step).toBe('run');
    user.runs('SUCCEEDED', '2026-11-20T13:00:00Z');

    expect(tour.step).toBe('outputs');
  });

  it('begins by itself for a new user only', async () => {
    const old = new User().tour();
    await old.resume(async () => false);
    expect(old.isShown).toBe(false);

    const fresh = new User().tour();
    await fresh.resume(async () => true);
    expect(fresh.isShown).toBe(true);
  });

  it('goes on after a reload where it was, and stays away once ended', async () => {
    const user = new User();
    const before = user.tour();
    before.start();
    before.skip();
    before.dispose();

    const after = user.tour();
    await after.resume(async () => false);
    expect(after.step).toBe('steps');
    after.end();
    const last = user.tour();
    await last.resume(async () => true);

    expect(last.isShown).toBe(false);
    last.start();
    expect(last.step).toBe('open');
  });
});
