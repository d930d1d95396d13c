import * as React from 'react';

import type { DeviceStatus, Holder, MachineInventory } from '../api/types';
import { useTrans } from './context';
import { formatAge, formatBytes } from './format';
import '../../style/machine.css';

/** Cores, memory and devices of the machine: how much is given out, and how busy it is. */
export function MachineStrip(props: {
  machine: MachineInventory;
}): JSX.Element {
  const { machine } = props;
  const trans = useTrans();
  const cores = (amount: number) => amount.toLocaleString(undefined, ONE);
  return (
    <ul className="jp-mlplat-Machine" aria-label={trans.__('The machine')}>
      <Gauge
        label={trans.__('CPUs')}
        share={machine.cpu_held / machine.cpu_total}
        held={trans.__(
          '%1 of %2 given out',
          cores(machine.cpu_held),
          cores(machine.cpu_total)
        )}
        use={
          machine.cpu_used === null
            ? null
            : trans.__('%1 busy', cores(machine.cpu_used))
        }
      />
      <Gauge
        label={trans.__('Memory')}
        share={machine.memory_held_bytes / machine.memory_total_bytes}
        held={trans.__(
          '%1 of %2 given out',
          formatBytes(machine.memory_held_bytes),
          formatBytes(machine.memory_total_bytes)
        )}
        use={
          machine.memory_used_bytes === null
            ? null
            : trans.__('%1 in use', formatBytes(machine.memory_used_bytes))
        }
      />
      {machine.devices.map(device => (
        <Device key={device.number} device={device} />
      ))}
      {machine.devices.length === 0 && (
        <li className="jp-mlplat-Quiet">
          {trans.__('No GPU is known on this machine.')}
        </li>
      )}
    </ul>
  );
}

function Device(props: { device: DeviceStatus }): JSX.Element {
  const { device } = props;
  const trans = useTrans();
  const facts = [
    device.utilisation === null
      ? null
      : trans.__('%1 % busy', Math.round(device.utilisation * 100)),
    device.memory_used_bytes === null || device.memory_bytes === null
      ? device.memory_bytes && formatBytes(device.memory_bytes)
      : trans.__(
          '%1 of %2 in use',
          formatBytes(device.memory_used_bytes),
          formatBytes(device.memory_bytes)
        )
  ].filter(Boolean);
  return (
    <Gauge
      label={trans.__('GPU %1', device.number)}
      title={[device.name, device.id].filter(Boolean).join(' · ')}
      share={1 - device.free}
      held={
        device.free === 1
          ? trans.__('free')
          : device.free === 0
            ? trans.__('taken')
            : trans.__('%1 % free', Math.round(device.free * 100))
      }
      use={facts.length > 0 ? facts.join(' · ') : trans.__('use not known')}
      name={device.name}
    />
  );
}

/** One resource: its share given out as a bar, and in words. */
function Gauge(props: {
  label: string;
  title?: string;
  name?: string;
  share: number;
  held: string;
  use: string | null;
}): JSX.Element {
  const percent = Math.round(Math.min(1, Math.max(0, props.share)) * 100);
  return (
    <li className="jp-mlplat-Machine-gauge" title={props.title || undefined}>
      <span className="jp-mlplat-Machine-label">
        {props.label}
        {props.name && (
          <span className="jp-mlplat-Machine-name"> {props.name}</span>
        )}
      </span>
      <span className="jp-mlplat-Machine-held">{props.held}</span>
      <span className="jp-mlplat-Machine-bar" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      {props.use !== null && (
        <span className="jp-mlplat-Machine-use">{props.use}</span>
      )}
    </li>
  );
}

/** Who holds what, or who waits for what; those that wait say for what. */
export function Holders(props: {
  holders: readonly Holder[];
  label: string;
  onOpenRun: (run: string) => void;
  onRelease?: (holder: Holder) => void;
}): JSX.Element {
  const trans = useTrans();
  const now = Date.now();
  return (
    <ul className="jp-mlplat-Holders" aria-label={props.label}>
      {props.holders.map(holder => (
        <li key={`${holder.run_id} ${holder.step} ${holder.lease}`}>
          <span className="jp-mlplat-Holders-who">
            {holder.run_id ? (
              <button
                type="button"
                className="jp-mlplat-Link"
                onClick={() => props.onOpenRun(holder.run_id!)}
              >
                {holder.label}
              </button>
            ) : (
              holder.label
            )}
          </span>
          <span className="jp-mlplat-Holders-what">
            {whatOf(holder, trans.__.bind(trans))}
          </span>
          {holder.since !== null && !holder.waiting_for && (
            <span className="jp-mlplat-Quiet">
              {formatAge(holder.since, now)}
            </span>
          )}
          {holder.waiting_for && (
            <span className="jp-mlplat-Holders-why">{holder.waiting_for}</span>
          )}
          {holder.lease && props.onRelease && (
            <button
              type="button"
              className="jp-mlplat-Link"
              aria-label={trans.__('Take the lease of %1', holder.label)}
              onClick={() => props.onRelease!(holder)}
            >
              {trans.__('Take it back')}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function whatOf(
  holder: Holder,
  say: (text: string, ...args: (string | number)[]) => string
): string {
  return [
    holder.cpu > 0 && say('%1 CPU', holder.cpu),
    holder.memory_bytes && formatBytes(holder.memory_bytes),
    holder.gpu > 0 &&
      (holder.devices.length > 0
        ? say('%1 GPU (%2)', holder.gpu, holder.devices.join(', '))
        : say('%1 GPU', holder.gpu))
  ]
    .filter(Boolean)
    .join(' · ');
}

const ONE = { maximumFractionDigits: 1 } as const;
