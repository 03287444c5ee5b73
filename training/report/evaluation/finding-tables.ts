import { REGIMES } from '#models/regime.ts'
import type { WalkForward } from '../../walk-forward/result.ts'
import * as format from '../format.ts'
import { column, type TablePlan } from '../tables.ts'
import { EACH, SHOWN, sideName } from './names.ts'

const regimeColumns = (title: string, how: format.Format) =>
  REGIMES.map((regime) => column(regime, `${title}${regime}`, how))

/** Calibration, churn, dwell and occupancy. */
export function calibrationPlans({ contestants, labels }: WalkForward): Record<string, TablePlan> {
  return {
    calibration: {
      header: [
        column('model', 'Model', format.text),
        column('temperature', 'Temperature'),
        column('eceRaw', 'Calibration error as it is'),
        column('ece', 'with temperature'),
        column('eceBiased', 'with biases too'),
        column('skillRaw', 'Log-loss skill as it is'),
        column('skill', 'with temperature'),
        column('skillBiased', 'with biases too'),
      ],
      rows: SHOWN.map((side) => {
        const { all } = contestants[side]
        return [
          sideName(side),
          all.temperature.mean,
          all.ece.mean,
          all.eceCalibrated.mean,
          all.eceBiased.mean,
          all.skill.mean,
          all.skillCalibrated.mean,
          all.skillBiased.mean,
        ]
      }),
    },
    stability: {
      header: [
        column('series', 'Series', format.text),
        column('churnPerDay', 'Changes a day', format.decimal),
        ...REGIMES.map((regime) => column(`dwell-${regime}`, `Expected hours in ${regime}`, format.decimal)),
        ...REGIMES.map((regime) => column(`share-${regime}`, `Share ${regime}`, format.share)),
      ],
      rows: [
        ...SHOWN.map((side) => {
          const { all, expectedDwellHours, occupancy } = contestants[side]
          return [
            sideName(side),
            all.churnPerDay.mean,
            ...REGIMES.map((regime) => expectedDwellHours[regime]),
            ...REGIMES.map((regime) => occupancy[regime]),
          ]
        }),
        [
          'Labels themselves',
          labels.churnPerDay,
          ...REGIMES.map((regime) => labels.dwell[regime].expectedHours),
          ...REGIMES.map((regime) => labels.occupancy[regime]),
        ],
      ],
    },
  }
}

/** Leads, what follows a regime, and the forecast label. */
export function meaningPlans({ differences, forward, forecast, contestants }: WalkForward): Record<string, TablePlan> {
  return {
    differences: {
      header: [
        column('first', 'Candidate', format.text),
        column('second', 'against', format.text),
        column('over', 'Over', format.text),
        column('difference', 'Lead, macro-F1', format.signed),
        column('low', 'from', format.signed),
        column('high', 'to', format.signed),
        column('p', 'p'),
        column('hours', 'Hours', format.count),
      ],
      rows: differences.map(({ first, second, over, difference, low, high, p, hours }) => [
        sideName(first),
        sideName(second),
        over === 'all' ? 'all folds' : 'last fold',
        difference,
        low,
        high,
        p,
        hours,
      ]),
    },
    forward: {
      header: [
        column('model', 'Regimes of', format.text),
        column('outcome', 'Next 24 hours', format.text),
        ...regimeColumns('Median after ', format.signed),
        column('statistic', 'H', format.decimal),
        column('effect', 'Share explained', format.share),
        column('p', 'p by block shuffle'),
        column('corrected', 'p, corrected'),
      ],
      rows: forward.map(({ contestant, outcome, medians, statistic, effect, p, corrected }) => [
        sideName(contestant),
        outcome,
        ...REGIMES.map((regime) => medians[regime]),
        statistic,
        effect,
        p,
        corrected,
      ]),
    },
    forecast: {
      header: [
        column('model', 'Model', format.text),
        column('trained', 'Trained on', format.text),
        column('over', 'Over', format.text),
        column('macroF1', 'Macro-F1 on the forecast label'),
        column('chance', 'Chance'),
        column('skill', 'Log-loss skill'),
      ],
      rows: [
        ...EACH.map((side) => [
          sideName(side),
          'centred label',
          'all folds',
          contestants[side].all.forecastMacroF1.mean,
          Number.NaN,
          Number.NaN,
        ]),
        ...forecast.trained.map(({ contestant, fold, macroF1, chance, skill }) => [
          sideName(contestant),
          'forecast label',
          `fold ${fold}`,
          macroF1,
          chance,
          skill,
        ]),
      ],
    },
  }
}

/** Lost knots, untrained coins, novelty. */
export function robustnessPlans({ robustness }: WalkForward): Record<string, TablePlan> {
  const { lostShares, lostKnots, untrainedCoins, novelty } = robustness
  return {
    lostknots: {
      header: [
        column('model', 'Model', format.text),
        column('how', 'Knots are', format.text),
        ...lostShares.map((share) => column(`lost${share * 100}`, `${share * 100} % lost`)),
      ],
      rows: lostKnots.map(({ contestant, how, macroF1 }) => [sideName(contestant), how, ...macroF1]),
    },
    untrained: {
      header: [
        column('coin', 'Coin', format.text),
        column('field', 'Model', format.text),
        column('with', 'Macro-F1, trained with it'),
        column('without', 'trained without it'),
        column('rule', 'Hand rule'),
        column('hours', 'Hours', format.count),
      ],
      rows: untrainedCoins.map(({ coin, field, trainedWith, trainedWithout, rule, hours }) => [
        coin,
        sideName(field),
        trainedWith,
        trainedWithout,
        rule,
        hours,
      ]),
    },
    novelty: {
      header: [
        column('data', 'Windows', format.text),
        column('share', 'Look new', format.share),
        column('median', 'Median distance', format.decimal),
        column('windows', 'Count', format.count),
      ],
      rows: (novelty?.checks ?? []).map(({ data, share, median, windows }) => [data, share, median, windows]),
    },
  }
}
