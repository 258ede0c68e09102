// Asks a gateway with the client that openapi-generator made: address, key.
import { Configuration, DefaultApi, ResponseError, SubjectRowSexEnum } from "./client";

declare const process: { argv: string[]; exit(code: number): void };
const [address, key] = process.argv.slice(2);

async function main() {
    const api = new DefaultApi(new Configuration({ basePath: address, accessToken: key }));
    const young = { age: 30, oldpeak: 0.0, sex: SubjectRowSexEnum.F, subject: "patient-1" };
    const old = { age: 80, oldpeak: 2.0, sex: SubjectRowSexEnum.M };

    const many = await api.predict({ predictRequest: { rows: [young, old] } });
    many.predictions.forEach((each) => console.log(each.label, each.meaning));
    console.log(many.model, many.version, many.predictions[0].subject);
    const one = await api.predict({ predictRequest: { row: old } });
    console.log(one.predictions[0].label);

    const labels = await api.invocations({ invocationsRequest: { inputs: [[30, 0.0, "F"], [80, 2.0, "M"]] } });
    labels.predictions.forEach((label) => console.log(label));

    const outcome = { predictionId: one.predictions[0].predictionId, outcome: 1 as const };
    console.log((await api.outcomes({ outcomes: { outcomes: [outcome] } })).recorded);
    try {
        await api.predict({ predictRequest: { row: { ...old, age: 900 } } });
    } catch (refused) {
        console.log((refused as ResponseError).response.status);
    }
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
