import type { WalkForward } from '../../walk-forward/result.ts'
import * as format from '../format.ts'
import { column, gatesPlan, type TablePlan } from '../tables.ts'
import type { EvaluationReportData } from './data.ts'
import { calibrationPlans, meaningPlans, robustnessPlans } from './finding-tables.ts'
import { EACH, SHOWN, sideName } from './names.ts'

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
    column('fits', 'Fits', format.count),
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
        metrics.macroF1.n,
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

/** 8, 0.012 or −0.012: whole numbers as they are, with a true minus. */
const plain: format.Format = (value) =>
  Number.isInteger(value) ? String(value) : format.score(value).replace('-', '−')
