import type { RowFault } from '../services/importFormats/index.ts';
import type { ImportReport } from '../services/importReport.ts';
import { builder } from './builder.ts';

const ImportFault = builder.objectRef<RowFault>('ImportFault').implement({
  description: 'Why a row of an import was rejected.',
  fields: (t) => ({
    line: t.exposeInt('line', {
      description: 'The line in the file, or the place in the list, counted from 1.',
    }),
    field: t.exposeString('field', {
      nullable: true,
      description: 'The field at fault, as the input spells it; null when it is the whole row.',
    }),
    reason: t.exposeString('reason', { description: 'What is allowed, and what came.' }),
  }),
});

export const ImportReportType = builder.objectRef<ImportReport>('ImportReport').implement({
  description: 'What became of an import, row by row.',
  fields: (t) => ({
    received: t.exposeInt('received', {
      description: 'How many rows came: the sum of the four counts below.',
    }),
    stored: t.exposeInt('stored', { description: 'Rows that were new.' }),
    updated: t.exposeInt('updated', { description: 'Rows that changed something stored before.' }),
    unchanged: t.exposeInt('unchanged', { description: 'Rows that were there already, exactly so.' }),
    rejected: t.exposeInt('rejected', { description: 'Rows that could not be read.' }),
    faults: t.field({
      type: [ImportFault],
      description: 'Why rows were rejected; the first 1,000.',
      resolve: ({ faults }) => faults,
    }),
  }),
});
