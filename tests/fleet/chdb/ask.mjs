// ask.mjs FILE SQL: what a current ClickHouse answers about a file in its Native format, where SQL says FILE.
import { query } from 'chdb';

const [, , file, sql] = process.argv;
process.stdout.write(query(sql.replace('FILE', `file('${file}', 'Native')`), 'CSV'));
