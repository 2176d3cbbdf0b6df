/** `tunesmith report`: how a dataset is, and what to do next. */
import { graphql } from '../generated/gql/index.ts';
import { createClient, type Client } from './client.ts';
import { CliError } from './failure.ts';
import { reportLines } from './reportScreen.ts';
import type { Target } from './credentials.ts';
import { openTerminal } from './terminal.ts';

export interface ReportOptions extends Target {
  json?: boolean;
}

graphql(`
  fragment CliBars on Histogram {
    count
    mean
    bins {
      from
      to
      count
    }
  }
`);

graphql(`
  fragment CliReport on Dataset {
    id
    name
    personalDataPolicy
    report {
      counts {
        total
        validated
        rejected
        undecided
      }
      bySource {
        source
        counts {
          total
          validated
          rejected
          undecided
        }
      }
      tokens {
        ...CliBars
      }
      totalTokens
      uncountedTokens
      quality {
        ...CliBars
      }
      unrated
      messagesPerExample {
        ...CliBars
      }
      questionLength {
        ...CliBars
      }
      answerLength {
        ...CliBars
      }
      topics {
        top {
          topic
          examples
        }
        otherTopics
        otherExamples
        withoutTopic
      }
      duplicates {
        foundAt
        threshold
        groups
        examples
        openGroups
        changedSince
      }
      personalData {
        scanned
        unscanned
        examplesWithFindings
        byKind {
          kind
          examples
        }
      }
      latestExport {
        id
        exampleCount
        createdAt
      }
      latestSplit {
        exampleCount
        validationExampleCount
        createdAt
        split {
          validationShare
          seed
          groupBy
        }
      }
      estimate {
        ... on CostEstimate {
          provider
          baseModel
          tokens
          epochs {
            lower
            expected
            upper
          }
          costUsd {
            lower
            expected
            upper
          }
          priceAsOf
          priceSource
        }
        ... on Error {
          message
        }
      }
      next {
        code
        message
        operation
      }
    }
  }
`);

const ByName = graphql(`
  query CliReportByName($name: String!) {
    datasets(first: 1, filter: { name: $name }) {
      edges {
        node {
          ...CliReport
        }
      }
    }
  }
`);

const ById = graphql(`
  query CliReportById($id: ID!) {
    dataset(id: $id) {
      ...CliReport
    }
  }
`);

const Names = graphql(`
  query CliReportNames {
    datasets(first: 10) {
      edges {
        node {
          name
        }
      }
    }
  }
`);

export async function report(wanted: string, { url, apiKey, json }: ReportOptions): Promise<void> {
  const client = createClient({ url, apiKey });
  const dataset = await find(client, wanted);
  if (json) {
    process.stdout.write(`${JSON.stringify(dataset, null, 2)}\n`);
    return;
  }
  const out = openTerminal(process.stdout);
  out.print(...reportLines(dataset, { width: out.width(), style: out.style, now: new Date() }));
}

/** The dataset of this name, or else of this id. */
async function find(client: Client, wanted: string) {
  const named = (await client.run(ByName, { name: wanted })).datasets.edges[0]?.node;
  if (named) return named;
  const identified = isDatasetId(wanted) ? (await client.run(ById, { id: wanted })).dataset : null;
  if (identified) return identified;
  const { datasets } = await client.run(Names, {});
  const names = datasets.edges.map(({ node }) => `"${node.name}"`).join(', ');
  throw new CliError(
    `There is no dataset called "${wanted}", nor with that id. ${names === '' ? 'There are none yet.' : `The newest are ${names}.`}`,
  );
}

const isDatasetId = (text: string): boolean =>
  /^Dataset:[0-9a-f-]{36}$/.test(Buffer.from(text, 'base64').toString());
