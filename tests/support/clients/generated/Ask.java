import java.math.BigDecimal;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.DefaultApi;
import org.openapitools.client.model.*;

/** Asks a gateway with the client that openapi-generator made: address, key. */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + arguments[1]));
        DefaultApi api = new DefaultApi(client);

        SubjectRow young = new SubjectRow().age(30).oldpeak(new BigDecimal("0.0")).sex(SubjectRow.SexEnum.F).subject("patient-1");
        SubjectRow old = new SubjectRow().age(80).oldpeak(new BigDecimal("2.0")).sex(SubjectRow.SexEnum.M);
        Predictions many = api.predict(new PredictRequest(new ManyRows().rows(List.of(young, old))));
        for (Prediction each : many.getPredictions()) {
            System.out.println(each.getLabel().getValue() + " " + each.getMeaning().getValue());
        }
        System.out.println(many.getModel().getValue() + " " + many.getVersion() + " " + many.getPredictions().get(0).getSubject());
        Predictions one = api.predict(new PredictRequest(new OneRow().row(old)));
        System.out.println(one.getPredictions().get(0).getLabel().getValue());

        Inputs inputs = new Inputs().inputs(List.of(cells("30", "0.0", "F"), cells("80", "2.0", "M")));
        Labels labels = api.invocations(new InvocationsRequest(inputs));
        labels.getPredictions().forEach(label -> System.out.println(label.getValue()));

        String id = one.getPredictions().get(0).getPredictionId();
        PredictionOutcome outcome = new PredictionOutcome().predictionId(id).outcome(PredictionOutcome.OutcomeEnum.NUMBER_1);
        System.out.println(api.outcomes(new Outcomes().outcomes(List.of(new OutcomesOutcomesInner(outcome)))).getRecorded());
        try {
            api.predict(new PredictRequest(new OneRow().row(old.age(900))));
        } catch (ApiException refused) {
            System.out.println(refused.getCode());
        }
    }

    private static List<PositionsInner> cells(String age, String oldpeak, String sex) {
        return List.of(new PositionsInner(new BigDecimal(age)), new PositionsInner(new BigDecimal(oldpeak)), new PositionsInner(sex));
    }
}
