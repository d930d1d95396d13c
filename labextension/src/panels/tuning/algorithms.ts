import type { TranslationBundle } from '@jupyterlab/translation';

/** What the form knows of an algorithm; the engine knows the rest, and tells what is wrong. */
export interface IAlgorithm {
  name: string;
  label: string;
  help: string;

  /** Settings it has, by the names that Katib has for them. */
  settings: readonly string[];

  /** Those it cannot do without. */
  needed?: readonly string[];
}

/** What suggests the next parameters. */
export function algorithmsOf(trans: TranslationBundle): readonly IAlgorithm[] {
  return [
    {
      name: 'tpe',
      label: trans.__('TPE'),
      help: trans.__('Learns which values do well; good for most.'),
      settings: ['n_startup_trials', 'n_ei_candidates', 'gamma', 'random_state']
    },
    {
      name: 'multivariate-tpe',
      label: trans.__('TPE, parameters together'),
      help: trans.__('Learns which values do well together.'),
      settings: ['n_startup_trials', 'n_ei_candidates', 'gamma', 'random_state']
    },
    {
      name: 'random',
      label: trans.__('Random'),
      help: trans.__('Any values, each trial for itself.'),
      settings: ['random_state']
    },
    {
      name: 'grid',
      label: trans.__('Grid'),
      help: trans.__('Every combination; numbers need a step.'),
      settings: []
    },
    {
      name: 'bayesianoptimization',
      label: trans.__('Gaussian process'),
      help: trans.__('For few, expensive trials of numbers.'),
      settings: ['n_initial_points', 'acq_func', 'random_state']
    },
    {
      name: 'cmaes',
      label: trans.__('CMA-ES'),
      help: trans.__('For many trials of numbers.'),
      settings: ['sigma', 'popsize', 'restart_strategy', 'random_state']
    },
    {
      name: 'sobol',
      label: trans.__('Sobol'),
      help: trans.__('Covers the space evenly.'),
      settings: ['scramble', 'random_state']
    },
    {
      name: 'hyperband',
      label: trans.__('Hyperband'),
      help: trans.__('Begins many with little, goes on with the best.'),
      settings: ['r_l', 'resource_name', 'eta'],
      needed: ['r_l', 'resource_name']
    },
    {
      name: 'pbt',
      label: trans.__('Population'),
      help: trans.__('Goes on from the checkpoints of the best.'),
      settings: [
        'n_population',
        'truncation_threshold',
        'resample_probability'
      ],
      needed: ['n_population', 'truncation_threshold']
    }
  ];
}

/** What stops a trial that has no hope. */
export function stoppingOf(trans: TranslationBundle): readonly IAlgorithm[] {
  return [
    {
      name: 'medianstop',
      label: trans.__('Median'),
      help: trans.__('Stops what is worse than half of the others were then.'),
      settings: ['min_trials_required', 'start_step']
    },
    {
      name: 'asha',
      label: trans.__('ASHA'),
      help: trans.__('Lets only the best go on at each rung.'),
      settings: ['min_resource', 'reduction_factor', 'min_early_stopping_rate']
    },
    {
      name: 'hyperband',
      label: trans.__('Hyperband'),
      help: trans.__('Several such ladders, some of them strict.'),
      settings: ['max_resource', 'min_resource', 'reduction_factor'],
      needed: ['max_resource']
    }
  ];
}
