/** The GraphQL schema: each file adds what it is named after. */
import { builder } from './builder.ts';
import { describeTotalCounts } from './relayDescriptions.ts';
import './errors.ts';
import './callTranscription.ts';
import './dataset.ts';
import './datasetMutation.ts';
import './collectExamples.ts';
import './example.ts';
import './exampleMutation.ts';
import './review.ts';
import './reviewStatus.ts';
import './duplicates.ts';
import './export.ts';
import './report.ts';
import './exportMutation.ts';
import './baseModel.ts';
import './trainingRun.ts';
import './trainingRunMutation.ts';
import './preflight.ts';
import './trainingRunSubscription.ts';
import './lineage.ts';
import './caller.ts';
import './erasure.ts';
import './erasureMutation.ts';
import './auditLog.ts';

export const schema = describeTotalCounts(builder.toSchema());
