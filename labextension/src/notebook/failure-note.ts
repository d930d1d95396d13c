import type { TranslationBundle } from '@jupyterlab/translation';

import type { Failure } from '../api/types';
import { stripAnsi } from '../components/ansi';
import { ansiElements } from '../components/ansi-elements';
import { chevronIcon, stateIcons } from '../icons';

/** What a user can do about a failure from below the cell. */
export interface IFailureActions {
  trans: TranslationBundle;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
  onRetry: () => void;
  onShowRun: () => void;
}

/**
 * The failure of a step below the cell that failed: the error in a line, the traceback folded below it.
 *
 * Plain elements: cells come and go with scrolling, and nothing here may outlive them.
 */
export function failureNote(
  failure: Failure,
  actions: IFailureActions
): HTMLElement {
  const { trans } = actions;
  const note = element('section', 'jp-mlplat-CellFailure');
  note.dataset.lmSuppressShortcuts = 'true';
  note.setAttribute('aria-label', titleOf(failure, trans));

  const head = element('div', 'jp-mlplat-CellFailure-head');
  const icon = element('span', 'jp-mlplat-State');
  icon.dataset.state = 'FAILED';
  stateIcons.FAILED.element({ container: icon });
  const error = element('span', 'jp-mlplat-CellFailure-error');
  error.textContent = stripAnsi(
    failure.error_name
      ? [failure.error_name, failure.error_value].filter(Boolean).join(': ')
      : failure.message
  );
  head.append(icon, error);
  note.append(head);

  const buttons = element('div', 'jp-mlplat-CellFailure-actions');
  note.append(buttons);
  if (failure.traceback.length > 0) {
    const traceback = element('pre', 'jp-mlplat-CellFailure-traceback');
    traceback.tabIndex = 0;
    traceback.setAttribute('aria-label', trans.__('Traceback'));
    traceback.append(...ansiElements(failure.traceback.join('\n')));
    const toggle = button(trans.__('Traceback'), () => show(traceback.hidden));
    toggle.classList.add('jp-mlplat-CellFailure-toggle');
    chevronIcon.element({
      container: toggle.insertBefore(element('span', ''), toggle.firstChild)
    });
    const show = (isOpen: boolean) => {
      traceback.hidden = !isOpen;
      toggle.setAttribute('aria-expanded', String(isOpen));
      actions.onToggle(isOpen);
    };
    show(actions.isOpen);
    buttons.append(toggle);
    note.append(traceback);
  }
  buttons.append(
    button(trans.__('Retry from here'), actions.onRetry),
    button(trans.__('Show run'), actions.onShowRun)
  );
  return note;
}

function titleOf(failure: Failure, trans: TranslationBundle): string {
  return failure.step
    ? trans.__('Step %1 failed', failure.step)
    : trans.__('The run failed');
}

function button(label: string, onClick: () => void): HTMLButtonElement {
  const result = element('button', 'jp-mlplat-Button jp-mod-plain');
  result.type = 'button';
  const text = element('span', 'jp-mlplat-Button-label');
  text.textContent = label;
  result.append(text);
  result.addEventListener('click', event => {
    event.stopPropagation();
    onClick();
  });
  return result;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string
): HTMLElementTagNameMap[K] {
  const result = document.createElement(tag);
  result.className = className;
  return result;
}
