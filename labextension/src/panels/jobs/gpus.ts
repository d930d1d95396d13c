import type { TranslationBundle } from '@jupyterlab/translation';

import type { MachineInventory } from '../../api/types';

/** How many GPUs there are, and how many of them are free; empty where nothing is known. */
export function gpusText(
  trans: TranslationBundle,
  inventory: MachineInventory | null
): string {
  if (inventory === null) {
    return '';
  }
  const { devices } = inventory;
  if (devices.length === 0) {
    return trans.__('This machine has no GPU.');
  }
  const free = devices.filter(device => device.free === 1).length;
  return trans._n(
    '%1 GPU here, %2 free.',
    '%1 GPUs here, %2 free.',
    devices.length,
    free
  );
}
