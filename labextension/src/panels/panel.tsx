import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { MessageLoop } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';
import { PanelLayout, StackedPanel, Widget } from '@lumino/widgets';
import * as React from 'react';

import type { Connection } from '../api/connection';
import { Trans, useTrans } from '../components/context';
import { walkTabs } from '../components/walking';
import { platformIcon } from '../icons';
import type { ISection } from './section';

/** The side panel: a row of tabs and the section that is chosen. */
export class PlatformPanel extends Widget {
  constructor(options: {
    connection: Connection;
    trans: TranslationBundle;
    onConnect: () => void;
  }) {
    super();
    const { trans } = options;
    this.id = 'jp-mlplat-panel';
    this.title.icon = platformIcon;
    this.title.caption = trans.__('ML Platform');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('ML Platform'));
    this.addClass('jp-mlplat-Panel');
    this._stack.addClass('jp-mlplat-Panel-stack');
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(new Navigation(this, options));
    layout.addWidget(this._stack);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when the panel comes into sight: time to connect. */
  get shown(): ISignal<this, void> {
    return this._shown;
  }

  /** A section was added. */
  get added(): ISignal<this, ISection> {
    return this._added;
  }

  get sections(): readonly ISection[] {
    return this._sections.map(entry => entry.section);
  }

  get current(): ISection | null {
    return this._current;
  }

  /** Add a section; lower ranks come first. */
  addSection(section: ISection, rank: number): void {
    this._sections.push({ section, rank });
    this._sections.sort((a, b) => a.rank - b.rank);
    this._stack.addWidget(section.widget);
    section.widget.hide();
    if (this._current === null || section === this._sections[0].section) {
      this.choose(this._sections[0].section.id);
    }
    this._changed.emit();
    this._added.emit(section);
  }

  /** Add something above the sections, such as a word to new users. The panel owns it. */
  addBanner(widget: Widget): void {
    const layout = this.layout as PanelLayout;
    layout.insertWidget(layout.widgets.indexOf(this._stack), widget);
  }

  /** Choose a section. An unknown id is ignored: its extension may be disabled. */
  choose(id: string): void {
    const found = this._sections.find(({ section }) => section.id === id);
    if (!found) {
      return;
    }
    this._current = found.section;
    for (const { section } of this._sections) {
      section.widget.setHidden(section !== found.section);
    }
    this._changed.emit();
  }

  /** Opened by keyboard, the panel is where the keys go; a focus that is inside stays. */
  protected override onActivateRequest(): void {
    if (!this.node.contains(document.activeElement)) {
      this.node
        .querySelector<HTMLElement>('[role=tab][aria-selected=true]')
        ?.focus();
    }
  }

  protected override onAfterShow(): void {
    this._shown.emit();
  }

  /** The head grows when tabs wrap or a banner comes: then the section has another height. */
  protected override onAfterAttach(): void {
    this._resizes = new ResizeObserver(() =>
      MessageLoop.postMessage(this._stack, Widget.ResizeMessage.UnknownSize)
    );
    this._resizes.observe(this._stack.node);
  }

  protected override onBeforeDetach(): void {
    this._resizes?.disconnect();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _shown = new Signal<this, void>(this);
  private readonly _added = new Signal<this, ISection>(this);
  private _resizes: ResizeObserver | null = null;
  private readonly _stack = new StackedPanel();
  private readonly _sections: { section: ISection; rank: number }[] = [];
  private _current: ISection | null = null;
}

/** The panel's head: what it is, how the engine is, and the sections. */
class Navigation extends ReactWidget {
  constructor(
    private readonly _panel: PlatformPanel,
    private readonly _options: {
      connection: Connection;
      trans: TranslationBundle;
      onConnect: () => void;
    }
  ) {
    super();
    this.addClass('jp-mlplat-Navigation');
  }

  protected render(): JSX.Element {
    const { connection, trans, onConnect } = this._options;
    return (
      <Trans.Provider value={trans}>
        <UseSignal signal={connection.changed}>
          {() => <EngineBar connection={connection} onConnect={onConnect} />}
        </UseSignal>
        <UseSignal signal={this._panel.changed}>
          {() => <SectionTabs panel={this._panel} />}
        </UseSignal>
      </Trans.Provider>
    );
  }
}

function EngineBar(props: {
  connection: Connection;
  onConnect: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { state } = props.connection;
  const label = {
    idle: trans.__('Not connected'),
    connecting: trans.__('Connecting…'),
    live: trans.__('Engine ready'),
    offline: trans.__('Engine does not answer')
  }[state];
  return (
    <div className="jp-mlplat-EngineBar">
      <span className="jp-mlplat-EngineBar-title">
        {trans.__('ML Platform')}
      </span>
      <button
        type="button"
        className="jp-mlplat-EngineBar-state"
        data-state={state}
        title={
          state === 'offline' ? trans.__('Click to connect again') : undefined
        }
        disabled={state !== 'offline' && state !== 'idle'}
        onClick={props.onConnect}
      >
        <span className="jp-mlplat-Dot" data-state={state} aria-hidden="true" />
        <span role="status">{label}</span>
      </button>
    </div>
  );
}

function SectionTabs(props: { panel: PlatformPanel }): JSX.Element {
  const { panel } = props;
  const trans = useTrans();
  const { sections, current } = panel;
  const tabs = React.useRef<HTMLDivElement>(null);
  // A command may choose another section while the focus is on a tab.
  React.useEffect(() => {
    if (tabs.current?.contains(document.activeElement)) {
      tabs.current
        .querySelector<HTMLElement>('[role=tab][aria-selected=true]')
        ?.focus();
    }
  }, [current]);
  return (
    <div
      ref={tabs}
      className="jp-mlplat-Sections"
      role="tablist"
      aria-label={trans.__('Sections')}
      onKeyDown={event =>
        current &&
        walkTabs(event, sections.indexOf(current), sections.length, next =>
          panel.choose(sections[next].id)
        )
      }
    >
      {sections.map(section => (
        <button
          key={section.id}
          type="button"
          role="tab"
          className="jp-mlplat-SectionTab"
          aria-selected={section === current}
          aria-label={section.label}
          aria-describedby={section.badge && `jp-mlplat-badge-${section.id}`}
          tabIndex={section === current ? 0 : -1}
          title={section === current ? section.caption : section.label}
          data-section={section.id}
          onClick={() => panel.choose(section.id)}
        >
          <section.icon.react
            tag="span"
            className="jp-mlplat-SectionTab-icon"
          />
          {section === current && (
            <span className="jp-mlplat-SectionTab-label">{section.label}</span>
          )}
          {section.badge && (
            <UseSignal signal={section.badge.changed}>
              {() => (
                <Badge
                  id={`jp-mlplat-badge-${section.id}`}
                  value={section.badge?.value ?? 0}
                />
              )}
            </UseSignal>
          )}
        </button>
      ))}
    </div>
  );
}

/** A number of at most two digits: it stays within its tab. */
function Badge(props: { id: string; value: number }): JSX.Element | null {
  const { id, value } = props;
  return value > 0 ? (
    <span id={id} className="jp-mlplat-Count" data-tone="brand">
      {value > MOST_COUNTED ? `${MOST_COUNTED}+` : value}
    </span>
  ) : null;
}

const MOST_COUNTED = 99;
