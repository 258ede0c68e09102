// Java's own client as it comes: over plain HTTP it offers HTTP/2 with `Upgrade: h2c`, on requests with a body too.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.ByteArrayInputStream;

public class Stock {
    public static void main(String[] given) throws Exception {
        String url = given[0], key = given[1], body = given[2];
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest.Builder asked = HttpRequest.newBuilder().header("Authorization", "Bearer " + key).header("Content-Type", "application/json");
        URI rows = URI.create(url + "/models/toy/invocations");
        byte[] bytes = body.getBytes();
        HttpRequest[] requests = {
            asked.copy().uri(URI.create(url + "/ping")).GET().build(),
            asked.copy().uri(rows).POST(BodyPublishers.ofString(body)).build(),
            asked.copy().uri(rows).POST(BodyPublishers.ofString(body)).expectContinue(true).build(),
            asked.copy().uri(rows).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))).build(),
            asked.copy().uri(URI.create(url + "/nothing")).POST(BodyPublishers.ofString(body)).build(),
            asked.copy().uri(rows).POST(BodyPublishers.ofString(body)).build(),
        };
        for (HttpRequest request : requests) {
            var reply = client.send(request, BodyHandlers.ofString());
            System.out.println(reply.statusCode() + " " + (reply.statusCode() == 200 ? reply.body().trim() : ""));
        }
    }
}
