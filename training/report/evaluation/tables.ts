import { REGIMES } from '#models/regime.ts'
import type { WalkForward } from '../../walk-forward/walk-forward.ts'
import * as format from '../format.ts'
import { column, gatesPlan, type TablePlan } from '../tables.ts'
import type { EvaluationReportData } from './data.ts'
import { EACH, SHOWN, sideName } from './names.ts'

const regimeColumns = (title: string, how: format.Format) =>
  REGIMES.map((regime) => column(regime, `${title}${regime}`, how))
const period = ({ from, to }: { readonly from: number; readonly to: number }) =>
  `${format.utcDay(from)} to ${format.utcDay(to)}`

/** Every table of the evaluation's page; each also goes out as CSV. */
export function evaluationPlans({ walkForward, coins }: EvaluationReportData): Record<string, TablePlan> {
  return {
    ...verdictPlans(walkForward),
    ...scorePlans(walkForward, coins),
    ...calibrationPlans(walkForward),
    ...meaningPlans(walkForward),
    ...robustnessPlans(walkForward),
  }
}

function verdictPlans({ verdict, aims, folds, fieldChoice, fits }: WalkForward): Record<string, TablePlan> {
  return {
    gates: gatesPlan(verdict.gates),
    aims: {
      header: [
        column('name', 'Aim', format.text),
        column('aim', 'Wanted', plain),
        column('reached', 'Reached', plain),
        column('met', 'Met', format.text),
      ],
      rows: (aims ?? []).map(({ name, aim, reached, met }) => [name, aim, reached, met ? 'yes' : 'NO']),
    },
    folds: {
      header: [
        column('fold', 'Fold', format.count),
        column('train', 'Trained on', format.text),
        column('validation', 'Validated on', format.text),
        column('embargoHours', 'Embargo, hours', format.count),
        column('test', 'Tested on', format.text),
        column('trainHours', 'Hours trained on', format.count),
        column('testHours', 'Hours tested', format.count),
      ],
      rows: folds.map(({ fold, train, validation, test, embargoHours, hours }) => [
        fold,
        period(train),
        period(validation),
        embargoHours,
        period(test),
        hours.train,
        hours.test,
      ]),
    },
    fields: {
      header: [
        column('fold', 'Fold', format.count),
        column('chosen', 'Field chosen', format.text),
        column('plain', 'Validation log-loss, plain'),
        column('linear', 'Validation log-loss, linear'),
      ],
      rows: fieldChoice.map(({ fold, chosen, validationLogLoss }) => [
        fold,
        sideName(chosen),
        validationLogLoss.cde,
        validationLogLoss.cdeLinear,
      ]),
    },
    failures: {
      header: [
        column('contestant', 'Model', format.text),
        column('fold', 'Fold', format.count),
        column('seed', 'Seed', format.count),
        column('reason', 'Why it came to nothing', format.text),
      ],
      rows: fits.failed.map(({ contestant, fold, seed, reason }) => [sideName(contestant), fold, seed, reason]),
    },
  }
}

function scorePlans({ contestants, folds, winners }: WalkForward, coins: readonly string[]): Record<string, TablePlan> {
  const header = [
    column('model', 'Model', format.text),
    column('macroF1', 'Macro-F1'),
    column('deviation', '±'),
    column('seedDeviation', '± by seed'),
    column('accuracy', 'Accuracy'),
    column('chop', 'F1 chop'),
    column('trend', 'F1 trend'),
    column('reversal', 'F1 reversal'),
    column('logLoss', 'Log-loss, calibrated'),
    column('validation', 'Validation macro-F1'),
    column('unanswered', 'Unanswered', format.count),
  ]
  const rows = (over: 'all' | 'last') =>
    SHOWN.map((side) => {
      const metrics = contestants[side][over]
      return [
        sideName(side),
        metrics.macroF1.mean,
        metrics.macroF1.sd,
        metrics.macroF1.sdSeeds,
        metrics.accuracy.mean,
        metrics.f1Chop.mean,
        metrics.f1Trend.mean,
        metrics.f1Reversal.mean,
        metrics.logLossCalibrated.mean,
        metrics.validationMacroF1.mean,
        metrics.unanswered.mean,
      ]
    })
  return {
    models: { header, rows: rows('all'), sortBy: 'macroF1' },
    lastfold: { header, rows: rows('last'), sortBy: 'macroF1' },
    foldscores: {
      header: [
        column('model', 'Model', format.text),
        ...folds.flatMap(({ fold }) => [column(`fold${fold}`, `Fold ${fold}`), column(`deviation${fold}`, '±')]),
      ],
      rows: SHOWN.map((side) => [
        sideName(side),
        ...contestants[side].folds.flatMap(({ metrics }) => [metrics.macroF1.mean, metrics.macroF1.sd]),
      ]),
    },
    coins: {
      header: [
        column('coin', 'Coin', format.text),
        ...EACH.map((side) => column(side, sideName(side))),
        column('all', 'Best over all folds', format.text),
        column('last', 'Best on the last fold', format.text),
      ],
      rows: coins.map((coin) => [
        coin,
        ...EACH.map((side) => contestants[side].coins[coin].all.mean),
        sideName(winners[coin].all),
        sideName(winners[coin].last),
      ]),
    },
    coinslast: {
      header: [column('coin', 'Coin', format.text), ...SHOWN.map((side) => column(side, sideName(side)))],
      rows: coins.map((coin) => [coin, ...SHOWN.map((side) => contestants[side].coins[coin].last.mean)]),
    },
  }
}

function calibrationPlans({ contestants, labels }: WalkForward): Record<string, TablePlan> {
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

function meaningPlans({ differences, forward, forecast, contestants }: WalkForward): Record<string, TablePlan> {
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
        ...regimeColumns('Median after ', format.score),
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

function robustnessPlans({ robustness }: WalkForward): Record<string, TablePlan> {
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

/** 8, 0.012 or −0.012: whole numbers as they are, with a true minus. */
const plain: format.Format = (value) =>
  Number.isInteger(value) ? String(value) : format.score(value).replace('-', '−')
