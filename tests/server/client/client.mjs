// client.mjs URL EXPECTED: every call of the protocol's TypeScript client, unmodified, as TAP.
// EXPECTED is a JSON file of what SQL says (test_client.py); integers are strings in it.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import http from 'tsp-typescript-client/lib/protocol/http-tsp-client.js';
import helper from 'tsp-typescript-client/lib/models/query/query-helper.js';
import query from 'tsp-typescript-client/lib/models/query/query.js';

const [url, expectedPath] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedPath));
const client = new http.HttpTspClient(url + '/tsp/api');
const Q = helper.QueryHelper;
let n = 0;
let failed = 0;

function show(value) {
  return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))?.slice(0, 400);
}

function check(good, name, detail) {
  n++;
  failed += !good;
  console.log(`${good ? 'ok' : 'not ok'} ${n} - ${name}`);
  if (!good) console.log(`# ${show(detail)}`);
}

function equal(got, wanted, name) {
  check(show(got) === show(wanted), name, { got, wanted });
}

// The model of a reply that must have come through.
function model(response, name) {
  if (!response.isOk() || response.getModel() === undefined) {
    check(false, name, [response.getStatusCode(), response.getText()]);
    return undefined;
  }
  return response.getModel();
}

async function wrapped(promise, name) {
  const reply = model(await promise, name);
  if (reply) equal(reply.status, 'COMPLETED', `${name}: status`);
  return reply?.model;
}

async function server() {
  equal(model(await client.checkHealth(), 'health'), { status: 'UP' }, 'health');
  const id = model(await client.fetchIdentifier(), 'identifier');
  equal([id.productId, id.tspVersion, typeof id.cpuCount], ['vmscope', '0.6.0', 'number'], 'identifier');
  equal(model(await client.fetchConfigurationSourceTypes(), 'config types'), [], 'no configuration types');
  check((await client.fetchConfigurationSourceType('x')).getStatusCode() === 404, 'no such configuration type');
  check((await client.fetchConfigurations('x')).getStatusCode() === 404, 'no configurations of it');
  check((await client.fetchConfiguration('x', 'y')).getStatusCode() === 404, 'no such configuration');
  const none = Q.configurationQuery('n', 'd', {});
  check((await client.createConfiguration('x', none)).getStatusCode() === 404, 'none is made');
  check((await client.updateConfiguration('x', 'y', none)).getStatusCode() === 404, 'none is changed');
  check((await client.deleteConfiguration('x', 'y')).getStatusCode() === 404, 'none is deleted');
}

async function open(path, name) {
  const parameters = () => new query.Query({ uri: path, name });
  const trace = model(await client.openTrace(parameters()), `open ${name}`);
  const again = model(await client.openTrace(parameters()), `open ${name} again`);
  equal(again.UUID, trace.UUID, `${name}: opening again gives the same`);
  equal(trace.path, path, `${name}: path`);
  return trace;
}

async function create(name, traces) {
  const parameters = new query.Query({ name, traces: traces.map((t) => t.UUID) });
  return model(await client.createExperiment(parameters), `experiment ${name}`);
}

async function experiments() {
  const trace = await open(expected.results, 'one results file');
  const made = await create('one results file', [trace]);
  equal(made.indexingStatus, 'COMPLETED', 'a results file is open at once');
  equal([made.start, made.end, made.nbEvents],
    [BigInt(expected.start), BigInt(expected.end), Number(expected.events)], 'its times to the ns');
  const all = model(await client.fetchExperiments(), 'experiments');
  check(all.some((e) => e.UUID === made.UUID && e.start === made.start), 'it is among the experiments', all);
  const traces = model(await client.fetchTraces(), 'traces');
  check(traces.some((t) => t.UUID === trace.UUID), 'and its trace among the traces', traces);
  equal(model(await client.fetchTrace(trace.UUID), 'trace').indexingStatus, 'COMPLETED', 'the trace was read');
  equal(model(await client.fetchExperiment(made.UUID), 'experiment').traces.length, 1, 'the experiment has it');
  check((await client.updateExperiment(made.UUID, new query.Query({ name: 'x' }))).getStatusCode() === 405,
    'an experiment cannot be changed');
  return made;
}

// As a viewer does with a directory: one trace per directory of metadata, then all of them together.
async function recording() {
  const traces = [];
  for (const path of expected.recording)
    traces.push(await open(path, path.split('/').slice(-2).join('-')));
  const made = await create('a recording', traces);
  for (let i = 0; i < 300; i++) {
    const now = model(await client.fetchExperiment(made.UUID), 'poll');
    if (now.indexingStatus !== 'RUNNING') {
      equal([now.indexingStatus, now.start, now.end, now.nbEvents],
        ['COMPLETED', BigInt(expected.start), BigInt(expected.end), Number(expected.events)],
        'host and guest, opened one by one, are analyzed together');
      break;
    }
    if (i === 0) {
      const tree = await client.fetchTimeGraphTree(made.UUID, 'vmscope.vcpus', Q.query());
      const reply = tree.getModel();
      check(['RUNNING', 'COMPLETED'].includes(reply?.status), 'a tree while it is analyzed', tree.getText());
    }
    await sleep(100);
  }
  const refused = await client.createExperiment(
    new query.Query({ name: 'a recording', traces: [traces[0].UUID] }));
  equal(refused.getStatusCode(), 409, 'a name is taken once');
  model(await client.deleteExperiment(made.UUID), 'delete the experiment');
  equal((await client.fetchExperiment(made.UUID)).getStatusCode(), 404, 'a deleted experiment is gone');
  for (const trace of traces)
    model(await client.deleteTrace(trace.UUID), 'delete a trace');
  equal((await client.fetchTrace(traces[0].UUID)).getStatusCode(), 404, 'a deleted trace is gone');
}

function familyOf(id) {
  return { 'vmscope.vcpus': 'vcpu', 'vmscope.threads': 'thread', 'vmscope.cpus': 'cpu' }[id];
}

// States of a row in [from, to], as SQL has them.
function statesOf(rows, from, to) {
  return rows.filter(([begin, end]) => begin <= to && end > from);
}

function readRows(rows) {
  return rows.map(([begin, end, state]) => [BigInt(begin), BigInt(end), state]);
}

async function graph(exp, id) {
  const tree = await wrapped(client.fetchTimeGraphTree(exp.UUID, id, Q.timeRangeQuery(exp.start, exp.end, 2)), id);
  const ids = tree.entries.map((e) => e.id);
  equal(new Set(ids).size, ids.length, `${id}: ids are unique`);
  check(tree.entries.every((e) => e.parentId === -1 || ids.includes(e.parentId)), `${id}: parents exist`, tree);
  equal(tree.entries[0].start, exp.start, `${id}: begins with the experiment`);
  const lanes = expected.lanes[id];
  equal(tree.entries.filter((e) => e.hasData).map((e) => e.id).sort(), Object.keys(lanes).map(Number).sort(),
    `${id}: has the rows that SQL has`);
  for (const [from, to] of expected.windows) {
    const range = [BigInt(from), BigInt(to)];
    const states = await wrapped(client.fetchTimeGraphStates(exp.UUID, id,
      Q.selectionTimeRangeQuery(range[0], range[1], 2000, Object.keys(lanes).map(Number))), `${id}: states`);
    let bad;
    for (const row of states.rows) {
      const got = row.states.map((s) => [s.start, s.end, s.style.parentKey]);
      const wanted = statesOf(readRows(lanes[row.entryId]), ...range)
        .map(([begin, end, state]) => [begin, end, `${familyOf(id)}.${state}`]);
      if (show(got) !== show(wanted)) bad ??= { row: row.entryId, got, wanted };
    }
    check(!bad && states.rows.length === Object.keys(lanes).length, `${id}: states from ${from} to ${to}`, bad);
  }
  const arrows = await wrapped(client.fetchTimeGraphArrows(exp.UUID, id,
    Q.timeRangeQuery(exp.start, exp.end, 2000)), `${id}: arrows`);
  equal(arrows.length, Math.min(5000, expected.arrows[id]), `${id}: as many arrows as SQL finds`);
  check(arrows.every((a) => ids.includes(a.sourceId) && ids.includes(a.targetId) && a.start <= a.end),
    `${id}: arrows join rows`, arrows);
  const [row, time, state] = expected.tooltips[id];
  const tip = await wrapped(client.fetchTimeGraphTooltip(exp.UUID, id,
    Q.selectionTimeQuery([BigInt(time)], [row], { requested_element: { elementType: 'state', time: BigInt(time), duration: 0n } })),
    `${id}: tooltip`);
  equal(tip.state, state, `${id}: tooltip`);
}

async function chart(exp, id) {
  const tree = await wrapped(client.fetchXYTree(exp.UUID, id, Q.timeRangeQuery(exp.start, exp.end, 2)), id);
  const ids = tree.entries.filter((e) => e.hasData).map((e) => e.id);
  const xy = await wrapped(client.fetchXY(exp.UUID, id,
    Q.selectionTimeRangeQuery(exp.start, exp.end, 100, ids)), `${id}: xy`);
  equal(xy.series.map((s) => s.seriesId), ids, `${id}: a series per row`);
  check(xy.series.every((s) => s.xValues.length === 100 && s.yValues.length === 100), `${id}: of 100 values`, xy);
  check(xy.series.every((s) => s.xValues[0] === exp.start), `${id}: begins at the ns`, xy.series[0]?.xValues[0]);
  await wrapped(client.fetchXYToolTip(exp.UUID, id, exp.start, 1, String(ids[0])), `${id}: tooltip`);
  return xy;
}

async function charts(exp) {
  await chart(exp, 'org.eclipse.tracecompass.internal.tmf.core.histogram.HistogramDataProvider');
  await chart(exp, 'vmscope.latency');
  await chart(exp, 'vmscope.steal');
  const exits = await chart(exp, 'vmscope.exits');
  const seconds = Number(exp.end - exp.start) / 1e9 / 100;
  for (const [id, count] of Object.entries(expected.exits)) {
    const series = exits.series.find((s) => s.seriesId === Number(id));
    const sum = series.yValues.reduce((a, b) => a + b, 0) * seconds;
    check(Math.abs(sum - count) < 0.01 * count + 0.5, `exits of ${series.seriesName} add up`, { sum, count });
  }
}

async function tables(exp) {
  for (const id of ['vmscope.stats.vcpus', 'vmscope.stats.threads', 'vmscope.stats.cpus', 'vmscope.stats.exits']) {
    const data = await wrapped(client.fetchDataTree(exp.UUID, id, Q.query({})), id);
    equal(data.entries.map((e) => e.labels).sort(), expected.stats[id].sort(), `${id}: as in SQL`);
    check(data.entries.every((e) => e.labels.length === data.headers.length), `${id}: a label per header`, data);
  }
  const columns = await wrapped(client.fetchTableColumns(exp.UUID, 'vmscope.events', Q.query({})), 'columns');
  equal(columns.map((c) => c.id), [0, 1, 2, 3, 4, 5], 'columns');
  const [index, line] = expected.line;
  const lines = await wrapped(client.fetchTableLines(exp.UUID, 'vmscope.events', Q.tableQuery([0, 2, 3], index, 2)), 'lines');
  equal([lines.size, lines.lowIndex, lines.lines[0].index], [expected.lines, index, index], 'lines by index');
  equal(lines.lines[0].cells.map((c) => c.content)[0], line, 'the line is that of SQL');
  for (const [direction, wanted] of Object.entries(expected.search)) {
    const found = await wrapped(client.fetchTableLines(exp.UUID, 'vmscope.events',
      Q.tableQuery([], index, 1, { table_search_expressions: { 3: '^preempted$' }, table_search_direction: direction })),
      `search ${direction}`);
    equal([found.lines[0]?.cells[0].content, found.lines[0]?.tags], [wanted, 8], `search ${direction}`);
  }
  const none = await wrapped(client.fetchTableLines(exp.UUID, 'vmscope.events',
    Q.tableQuery([], index, 1, { table_search_expressions: { 3: 'no such thing' }, table_search_direction: 'NEXT' })), 'search in vain');
  equal(none.lines, [], 'a search in vain finds nothing');
}

// The events of the recording: as many as SQL says that there are, with their fields.
async function events(exp) {
  const id = 'vmscope.recording';
  const columns = await wrapped(client.fetchTableColumns(exp.UUID, id, Q.query({})), 'columns of events');
  equal(columns.map((c) => c.name), ['Time', 'Machine', 'CPU', 'Event', 'Fields'], 'columns of events');
  const lines = await wrapped(client.fetchTableLines(exp.UUID, id, Q.tableQuery([], 10, 3)), 'events');
  equal([lines.size, lines.lines.map((l) => l.index)], [Number(expected.events), [10, 11, 12]], 'all events are there');
  check(lines.lines.every((l) => l.cells[3].content && BigInt(l.cells[0].content) >= exp.start - 10n ** 9n), 'an event', lines);
  const found = await wrapped(client.fetchTableLines(exp.UUID, id,
    Q.tableQuery([], 0, 1, { table_search_expressions: { 3: '^sched_switch$' }, table_search_direction: 'NEXT' })), 'search events');
  check(/prev_comm=.*next_comm=/.test(found.lines[0]?.cells[4].content), 'an event has its fields', found.lines);
}

// The client has the model of bookmarks, and leaves asking for them to the viewer.
async function bookmarks(exp) {
  const at = `${url}/tsp/api/experiments/${exp.UUID}/bookmarks`;
  const ask = async (method, path, parameters) => {
    const body = parameters && JSON.stringify({ parameters });
    const reply = await fetch(at + path, { method, body, headers: { 'Content-Type': 'application/json' } });
    return [reply.status, await reply.json(), reply.headers.get('Content-Type')];
  };
  const [status, made, type] = await ask('POST', '', { name: 'here', start: 5, end: 6 });
  equal([status, made.name, made.start, made.end, type], [200, 'here', 5, 6, 'application/json'], 'a bookmark is made');
  equal((await ask('GET', ''))[1], [made], 'it is listed');
  equal((await ask('PUT', `/${made.UUID}`, { name: 'there', start: 5, end: 6 }))[1].name, 'there', 'it is changed');
  equal((await ask('POST', '', { name: 'no times' }))[0], 400, 'a bookmark without times');
  equal((await ask('DELETE', `/${made.UUID}`))[0], 200, 'it is removed');
  equal((await ask('GET', `/${made.UUID}`))[0], 404, 'it is gone');
}

// What is missing or wrong is said, as JSON.
async function errors(exp) {
  for (const [call, name] of [['fetchTimeGraphStates', 'states'], ['fetchTimeGraphArrows', 'arrows'],
    ['fetchTimeGraphTooltip', 'tooltip']]) {
    const reply = await client[call](exp.UUID, 'vmscope.vcpus', Q.query({}));
    equal(reply.getStatusCode(), 400, `${name} without parameters`);
    check(typeof JSON.parse(reply.getText()).title === 'string', `${name}: the error is JSON`, reply.getText());
  }
  equal((await client.fetchXY(exp.UUID, 'vmscope.steal', Q.query({}))).getStatusCode(), 400, 'xy without parameters');
  equal((await client.fetchTableLines(exp.UUID, 'vmscope.events', Q.query({}))).getStatusCode(), 400, 'lines without an index');
  const [trace] = model(await client.fetchTraces(), 'traces');
  equal((await client.deleteTrace(trace.UUID)).getStatusCode(), 409, 'a trace that is in use');
  const none = expected.results.replace(/[^/]*$/, 'no-such-thing.vms');
  equal((await client.openTrace(new query.Query({ uri: none }))).getStatusCode(), 404, 'a path that does not exist');
  const tree = await wrapped(client.fetchTimeGraphTree(exp.UUID, 'vmscope.cpus', Q.timeRangeQuery(exp.start, exp.end, 2)), 'CPUs');
  check(tree.entries.every((e) => e.labels.length === tree.headers.length), 'CPUs: a label per header', tree);
}

async function outputs(exp) {
  const all = model(await client.experimentOutputs(exp.UUID), 'outputs');
  equal(all.length, 13, 'outputs');
  equal(await wrapped(client.fetchMarkerSets(exp.UUID), 'marker sets'), [], 'no marker sets');
  for (const { id } of all) {
    const styles = await wrapped(client.fetchStyles(exp.UUID, id, Q.query({})), `${id}: styles`);
    check(styles.styles['vcpu.guest'].values['background-color'].startsWith('#'), `${id}: styles`, styles);
    const categories = await wrapped(client.fetchAnnotationsCategories(exp.UUID, id), `${id}: categories`);
    equal(categories.annotationCategories.length, 1, `${id}: annotation categories`);
    const annotations = await wrapped(client.fetchAnnotations(exp.UUID, id,
      Q.timeRangeQuery(exp.start, exp.end, 100)), `${id}: annotations`);
    check(typeof annotations.annotations === 'object', `${id}: annotations`, annotations);
    equal(model(await client.fetchOutputConfigurationTypes(exp.UUID, id), id), [], `${id}: no configuration types`);
    equal((await client.fetchOutputConfigurationType(exp.UUID, id, 'x')).getStatusCode(), 404, `${id}: nor one`);
  }
  const derived = Q.outputConfigurationQuery('n', 'd', 'x', {});
  equal((await client.createDerivedOutput(exp.UUID, all[0].id, derived)).getStatusCode(), 400, 'no derived outputs');
  equal((await client.deleteDerivedOutput(exp.UUID, all[0].id, 'x')).getStatusCode(), 404, 'none to delete');
  equal((await client.fetchGenericXYTree(exp.UUID, all[0].id, Q.query({}))).getStatusCode(), 404, 'no generic XY tree');
  equal((await client.fetchGenericXY(exp.UUID, all[0].id, Q.query({}))).getStatusCode(), 404, 'no generic XY');
}

async function main() {
  await server();
  const exp = await experiments();
  await outputs(exp);
  for (const id of Object.keys(expected.lanes)) await graph(exp, id);
  await charts(exp);
  await tables(exp);
  await events(exp);
  await bookmarks(exp);
  await errors(exp);
  await recording();
  console.log(`1..${n}`);
  process.exit(failed ? 1 : 0);
}

await main();
