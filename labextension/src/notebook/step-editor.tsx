import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { Step } from '../api/types';
import { Button, IconButton } from '../components/basics';
import { Trans, useTrans } from '../components/context';
import { Field } from '../components/field';
import { stepStyle } from '../components/palette';
import { closeIcon } from '../icons';
import type { PipelineModel } from '../panels/pipeline/model';
import { check, formOf } from './settings';
import type { FormProblem, IStepForm } from './settings';

/** What the editor asks for; each is a command. */
export interface IStepEditorActions {
  apply: (step: string, settings: Partial<IStepForm>) => void;
  runUntil: (step: string) => void;
  showAll: (step: string) => void;
}

/**
 * The settings of a step in short, beside its name on the cell. Closes by Escape, by a click elsewhere and
 * when the step is gone, and gives the focus back to where it came from.
 */
export class StepEditor extends ReactWidget {
  constructor(
    private readonly _options: {
      model: PipelineModel;
      step: string;
      /** The chip it belongs to; asked anew each time, because chips are drawn anew. */
      anchor: () => HTMLElement | null;
      trans: TranslationBundle;
      actions: IStepEditorActions;
      onClosed: () => void;
    }
  ) {
    super();
    this.addClass('jp-mlplat-StepEditor');
    this.node.dataset.lmSuppressShortcuts = 'true';
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute(
      'aria-label',
      _options.trans.__('Settings of step %1', _options.step)
    );
  }

  /** The step it edits. */
  get step(): string {
    return this._options.step;
  }

  /** Show it below its chip. */
  open(): void {
    Widget.attach(this, document.body);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    document.addEventListener('pointerdown', this._onPointerDown, true);
    document.addEventListener('scroll', this._place, true);
    window.addEventListener('resize', this._place);
    this.node.addEventListener('keydown', this._onKeyDown);
    this._observer.observe(this.node);
    this._place();
  }

  protected override onBeforeDetach(message: Message): void {
    this._observer.disconnect();
    document.removeEventListener('pointerdown', this._onPointerDown, true);
    document.removeEventListener('scroll', this._place, true);
    window.removeEventListener('resize', this._place);
    this.node.removeEventListener('keydown', this._onKeyDown);
    super.onBeforeDetach(message);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      const hadFocus = this.node.contains(document.activeElement);
      super.dispose();
      if (hadFocus) {
        this._options.anchor()?.focus({ preventScroll: true });
      }
      this._options.onClosed();
    }
  }

  protected render(): JSX.Element {
    const { model, step, trans, actions } = this._options;
    const close = () => this.dispose();
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={model.changed}>
          {() => {
            const found = model.step(step);
            return found ? (
              <Editor
                step={found}
                index={model.pipeline?.steps.indexOf(found) ?? 0}
                taken={
                  new Set(
                    model.pipeline?.steps
                      .map(({ name }) => name)
                      .filter(name => name !== step)
                  )
                }
                onApply={settings => {
                  actions.apply(step, settings);
                  close();
                }}
                onRun={() => {
                  actions.runUntil(step);
                  close();
                }}
                onShowAll={() => {
                  close();
                  actions.showAll(step);
                }}
                onClose={close}
              />
            ) : (
              <Gone onGone={close} />
            );
          }}
        </UseSignal>
      </Trans.Provider>
    );
  }

  private readonly _onPointerDown = (event: Event): void => {
    const target = event.target as Node;
    const isOnChip = this._options.anchor()?.contains(target);
    if (!this.node.contains(target) && !isOnChip) {
      this.dispose();
    }
  };

  private readonly _onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      event.preventDefault();
      this.dispose();
    } else if (event.key === 'Tab') {
      this._keepFocus(event);
    }
  };

  /** Tab goes round: what lies behind in the page is not what comes next. */
  private _keepFocus(event: KeyboardEvent): void {
    const stops = [
      ...this.node.querySelectorAll<HTMLElement>('button, input')
    ].filter(stop => !stop.matches(':disabled'));
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
    }
  }

  /** Stay beside the chip, inside the window; close when the chip has scrolled out of the notebook. */
  private readonly _place = (): void => {
    const chip = this._options.anchor()?.getBoundingClientRect();
    if (!chip || chip.bottom < 0 || chip.top > window.innerHeight) {
      return;
    }
    const { offsetWidth, offsetHeight } = this.node;
    const left = Math.min(chip.left, window.innerWidth - offsetWidth - GAP);
    const fitsBelow =
      chip.bottom + GAP + offsetHeight < window.innerHeight ||
      chip.top < offsetHeight + GAP;
    const top = fitsBelow
      ? Math.min(chip.bottom + GAP, window.innerHeight - offsetHeight - GAP)
      : chip.top - offsetHeight - GAP;
    this.node.style.left = `${Math.max(GAP, left)}px`;
    this.node.style.top = `${Math.max(GAP, top)}px`;
  };

  private readonly _observer = new ResizeObserver(this._place);
}

/** The step was renamed, merged or deleted, here or by somebody else. */
function Gone(props: { onGone: () => void }): null {
  const { onGone } = props;
  React.useEffect(() => {
    const timer = setTimeout(onGone);
    return () => clearTimeout(timer);
  });
  return null;
}

function Editor(props: {
  step: Step;
  index: number;
  taken: ReadonlySet<string>;
  onApply: (settings: Partial<IStepForm>) => void;
  onRun: () => void;
  onShowAll: () => void;
  onClose: () => void;
}): JSX.Element {
  const { step } = props;
  const trans = useTrans();
  // What was there when the editor opened: compiling anew must not take away what is being typed.
  const [stored] = React.useState(() => formOf(step.name, step.settings));
  const [form, setForm] = React.useState(stored);
  const first = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => first.current?.select(), []);
  const problems = check(form, props.taken);
  const changes = Object.fromEntries(
    Object.entries(form).filter(
      ([key, value]) => value !== stored[key as keyof IStepForm]
    )
  );
  const isReady =
    Object.keys(changes).length > 0 && Object.keys(problems).length === 0;
  const input = (field: Exclude<keyof IStepForm, 'cache'>, label: string) => (
    <Field
      label={label}
      problem={problems[field] && problemText(trans, problems[field])}
      render={attributes => (
        <input
          {...attributes}
          ref={field === 'name' ? first : undefined}
          className="jp-mlplat-Input"
          type="text"
          inputMode={NUMBERS.has(field) ? 'decimal' : undefined}
          spellCheck={false}
          autoComplete="off"
          value={form[field]}
          placeholder={field === 'memory' ? trans.__('none') : undefined}
          onChange={event => {
            const { value } = event.target;
            setForm(now => ({ ...now, [field]: value }));
          }}
        />
      )}
    />
  );
  return (
    <form
      className="jp-mlplat-StepEditor-form"
      style={stepStyle(props.index)}
      onSubmit={event => {
        event.preventDefault();
        if (isReady) {
          props.onApply(changes);
        }
      }}
    >
      <div className="jp-mlplat-StepEditor-head">
        <span className="jp-mlplat-StepEditor-swatch" aria-hidden="true" />
        <h3 className="jp-mlplat-StepEditor-title">{step.title}</h3>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close')}
          onClick={props.onClose}
        />
      </div>
      {input('name', trans.__('Name'))}
      <div className="jp-mlplat-Form-row">
        {input('cpu', trans.__('CPU cores'))}
        {input('memory', trans.__('Memory'))}
        {input('gpu', trans.__('GPUs'))}
        {input('retries', trans.__('Retries'))}
      </div>
      <label className="jp-mlplat-Check">
        <input
          type="checkbox"
          checked={form.cache}
          onChange={event => {
            const { checked } = event.target;
            setForm(now => ({ ...now, cache: checked }));
          }}
        />
        {trans.__('Reuse the result while code and inputs are the same')}
      </label>
      <div className="jp-mlplat-StepEditor-actions">
        <button
          type="submit"
          className="jp-mlplat-Button jp-mod-primary"
          disabled={!isReady}
        >
          <span className="jp-mlplat-Button-label">{trans.__('Apply')}</span>
        </button>
        <Button
          label={trans.__('Run up to here')}
          title={trans.__('Run this step and what it needs')}
          onClick={props.onRun}
        />
        <button
          type="button"
          className="jp-mlplat-Link"
          onClick={props.onShowAll}
        >
          {trans.__('All settings')}
        </button>
      </div>
    </form>
  );
}

function problemText(trans: TranslationBundle, problem: FormProblem): string {
  switch (problem) {
    case 'bad-name':
      return trans.__(
        'Use lower-case letters, digits, dots and dashes; at most 63.'
      );
    case 'name-taken':
      return trans.__('Another step has this name.');
    case 'not-positive':
      return trans.__('Give a number above 0.');
    case 'not-a-count':
      return trans.__('Give a whole number from 0.');
    case 'not-gpus':
      return trans.__('Give a whole number, or a share such as 0.5.');
    case 'not-a-size':
      return trans.__('Give a size such as 512Mi or 2Gi.');
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['cpu', 'gpu', 'retries']);

const GAP = 6;
