import { MachineModel } from '../src/panels/machine/model';
import type { MachineInventory } from '../src/api/types';
import { FakePlatform } from './platform';

const MACHINE: MachineInventory = {
  cpu_total: 4,
  cpu_held: 1,
  cpu_used: null,
  memory_total_bytes: 2 ** 30,
  memory_held_bytes: 0,
  memory_used_bytes: null,
  devices: [],
  holders: [],
  waiting: [],
  notes: []
};

describe('MachineModel', () => {
  let platform: FakePlatform;
  let model: MachineModel;

  beforeEach(() => {
    platform = new FakePlatform();
    platform.routes.set('GET inventory', () => MACHINE);
  });

  afterEach(() => model.dispose());

  const asked = () =>
    platform.requests.filter(({ path }) => path === 'inventory').length;

  it('knows the machine as soon as somebody looks', async () => {
    model = new MachineModel(platform.connection);
    await new Promise(resolve => model.changed.connect(resolve));

    expect(model.machine).toEqual(MACHINE);
    expect(model.error).toBeNull();
  });

  it('says why it knows nothing', async () => {
    platform.routes.delete('GET inventory');
    model = new MachineModel(platform.connection);
    await new Promise(resolve => model.changed.connect(resolve));

    expect(model.machine).toBeNull();
    expect(model.error).not.toBeNull();
  });

  it('takes a lease back and looks again', async () => {
    platform.routes.set(
      'DELETE leases/lease-1',
      () => new Response(null, { status: 204 })
    );
    model = new MachineModel(platform.connection);
    await new Promise(resolve => model.changed.connect(resolve));

    await model.release('lease-1');

    expect(asked()).toBe(2);
  });
});
